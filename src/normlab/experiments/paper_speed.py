"""The 2015 paper's table of steps: rates of 1x, 5x and 30x, ReLU and sigmoid."""

from __future__ import annotations

from normlab.experiments.experiment import Experiment, Statement

_SOURCE = "Ioffe and Szegedy 2015, section 4.2"
_BASE = 0.01

EXPERIMENT = Experiment(
    name="paper-speed",
    title="How many steps to the accuracy without norms, at 1x, 5x and 30x the rate?",
    differs=(
        "Inception on ImageNet is out of reach here: a small convolutional network on "
        "MNIST stands in, where the highest accuracies lie close together. The other "
        "changes that the paper makes at higher rates are left out."
    ),
    picture="learning-rates",
    step_table=True,
    default={
        "seeds": tuple(range(10)),
        "measure": "none",
        "data": {"training": 6_000},
        "model": {"name": "lenet"},
        "recipe": {
            "rates": (_BASE, 5 * _BASE, 30 * _BASE),
            "batch_size": 32,
            "epochs": 4,
        },
        "arms": (
            "none",
            "batch",
            {"name": "sigmoid", "norm": "none", "model": {"activation": "sigmoid"}},
            {
                "name": "batch-sigmoid",
                "norm": "batch",
                "model": {"activation": "sigmoid"},
            },
        ),
    },
    full={
        "seeds": tuple(range(12)),
        "data": {"training": "auto"},
        "recipe": {"epochs": 5},
        "sweep": {"model.name": ("lenet", "resnet")},
    },
    statements=(
        Statement(
            says="at the same rate, batch norm needs fewer steps",
            source=_SOURCE,
            claim="faster-convergence",
            arm="batch",
            rates="same",
            rates_between=(_BASE, _BASE),
        ),
        Statement(
            says="batch norm allows much larger rates",
            source=_SOURCE,
            claim="wider-learning-rates",
            arm="batch",
        ),
        Statement(
            says="with batch norm the maximum accuracy is higher",
            source=_SOURCE,
            claim="better-accuracy",
            arm="batch",
        ),
        Statement(
            says="with batch norm a sigmoid network can be trained",
            source=_SOURCE,
            claim="better-accuracy",
            arm="batch-sigmoid",
            against="sigmoid",
        ),
        Statement(
            says="if less well than one of ReLUs with batch norm",
            source=_SOURCE,
            claim="better-accuracy",
            arm="batch-sigmoid",
            against="batch",
            expects=frozenset({"contradicted"}),
        ),
    ),
)
