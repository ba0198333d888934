"""Figure 1 of the 2015 paper: a sigmoid network on black-and-white digits."""

from __future__ import annotations

from normlab.experiments.experiment import Experiment, Statement

_SOURCE = "Ioffe and Szegedy 2015, section 4.1"

EXPERIMENT = Experiment(
    name="paper-figure-1",
    title="Does batch norm steady the inputs of a sigmoid, and is it better for it?",
    differs=(
        "The paper gives neither rate nor scale of the initial weights: both are "
        "swept. Its 50,000 steps are 5 epochs here, and 55 in the long form."
    ),
    picture="accuracy-and-percentiles",
    default={
        "seeds": tuple(range(6)),
        # as bytes: 0 and 1, nothing subtracted
        "data": {"binarize": True, "mean": (0.0,), "std": (1.0,)},
        "model": {"name": "sigmoid"},
        # the paper gives neither rate nor initial scale, so both are swept
        "recipe": {
            "rates": (0.03, 0.1, 0.3),
            "momentum": 0.0,
            "batch_size": 60,
            "epochs": 5,
        },
        "sweep": {"model.weight_std": (0.01, 0.1)},
    },
    # 55 epochs of 917 steps, the short last batch kept: 50,435, the paper's 50,000
    full={
        "seeds": tuple(range(9)),
        "recipe": {"rates": (0.03, 0.1, 0.3, 1.0), "epochs": 55},
    },
    statements=(
        Statement(
            says="the network with batch norm has the higher test accuracy",
            source=_SOURCE,
            claim="better-accuracy",
            arm="batch",
        ),
        Statement(
            says="it gets there in fewer steps",
            source=_SOURCE,
            claim="faster-convergence",
            arm="batch",
        ),
        Statement(
            says="the input of a sigmoid keeps a much steadier distribution",
            source=_SOURCE,
            claim="steadier-activations",
            arm="batch",
        ),
    ),
)
