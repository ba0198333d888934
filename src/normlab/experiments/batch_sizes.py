"""Batch size x norm: batch, ghost batch, layer and group norm."""

from __future__ import annotations

from normlab.experiments.experiment import Experiment, Statement

_HOFFER = "Hoffer, Hubara and Soudry 2017"
_WU = "Wu and He 2018"

EXPERIMENT = Experiment(
    name="batch-sizes",
    title="Which norm stands small batches, and which large ones?",
    differs=(
        "Hoffer et al. take batches of 4,096 in chunks of 128 (not checked); the "
        "largest here has 256 images, in chunks of 16. Wu and He call group norm "
        "comparable at errors of 24.1 % against 23.6 % (the second not checked) on "
        "ImageNet; our margin is 0.1 points, a fifth of that."
    ),
    picture="sweep",
    default={
        "seeds": tuple(range(6)),
        "measure": "none",
        "data": {"training": 12_000},
        # one rate does not suit every batch size; each arm is seen at its own best
        "recipe": {"rates": (0.003, 0.03), "epochs": 2},
        "sweep": {"recipe.batch_size": (4, 16, 64, 256)},
        "arms": ("none", "batch", "ghost", "layer", "group"),
    },
    full={
        "seeds": tuple(range(9)),
        "data": {"training": "auto"},
        "recipe": {"rates": (0.001, 0.01, 0.1), "epochs": 5},
        "sweep": {"recipe.batch_size": (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)},
    },
    statements=(
        Statement(
            says="in large batches, ghost batch norm is more accurate than batch norm",
            source=_HOFFER,
            claim="better-accuracy",
            arm="ghost",
            against="batch",
            between=(256, 10**6),
        ),
        Statement(
            says="in small batches, group norm is more accurate than batch norm",
            source=_WU,
            claim="better-accuracy",
            arm="group",
            against="batch",
            between=(1, 8),
        ),
        Statement(
            says="in batches of usual size, group norm is not far from batch norm",
            source=_WU,
            claim="better-accuracy",
            arm="group",
            against="batch",
            between=(16, 128),
            expects=frozenset({"no-difference"}),
        ),
    ),
)
