"""Batch norm before or after the nonlinearity."""

from __future__ import annotations

from normlab.experiments.experiment import Experiment, Statement

_SOURCE = "Ioffe and Szegedy 2015, section 3.2"

EXPERIMENT = Experiment(
    name="placement",
    title="Does batch norm belong before the nonlinearity or after it?",
    differs=("The paper argues and measures nothing; here both places are trained."),
    picture="learning-curves",
    default={
        "arms": (
            "none",
            "batch",
            {"name": "batch-after", "norm": "batch", "model": {"placement": "after"}},
        ),
    },
    full={"seeds": tuple(range(10)), "recipe": {"epochs": 20}},
    statements=(
        Statement(
            says="the norm belongs before the nonlinearity: behind it, less accurate",
            source=_SOURCE,
            claim="better-accuracy",
            arm="batch-after",
            against="batch",
            expects=frozenset({"contradicted"}),
        ),
        Statement(
            says="and convergence is slower",
            source=_SOURCE,
            claim="faster-convergence",
            arm="batch-after",
            against="batch",
            expects=frozenset({"contradicted"}),
        ),
        Statement(
            says="because distributions behind a nonlinearity are not made steady",
            source=_SOURCE,
            claim="steadier-activations",
            arm="batch-after",
            against="batch",
            expects=frozenset({"contradicted"}),
        ),
    ),
)
