"""Learning rate x norm: each arm over the same rates, and at its own best."""

from __future__ import annotations

from normlab.experiments.experiment import Experiment, Statement

_BJORCK = "Bjorck, Gomes, Selman and Weinberger 2018"

EXPERIMENT = Experiment(
    name="learning-rates",
    title="Is it the larger learning rates that batch norm makes possible?",
    differs=(
        "Bjorck et al. train a ResNet of 110 layers on CIFAR-10 (not checked); here "
        "it is a network of two hidden layers on MNIST. Large are rates from 0.3 on, "
        "30 times the default."
    ),
    picture="learning-rates",
    default={
        "seeds": tuple(range(9)),
        "measure": "light",
        "data": {"training": 12_000},
        "recipe": {"rates": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)},
    },
    full={
        "seeds": tuple(range(12)),
        "data": {"training": "auto"},
        "recipe": {
            "rates": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
            "epochs": 15,
        },
    },
    statements=(
        Statement(
            says="networks with batch norm can be trained at larger rates",
            source=f"Ioffe and Szegedy 2015, section 3.3; {_BJORCK}",
            claim="wider-learning-rates",
            arm="batch",
        ),
        Statement(
            says="with a large rate the network without norms diverges",
            source=_BJORCK,
            claim="trains-at-all",
            arm="batch",
            rates="same",
            rates_between=(0.3, 3.0),
        ),
        Statement(
            says="batch norm is more accurate, most of all at its larger rates",
            source=_BJORCK,
            claim="better-accuracy",
            arm="batch",
        ),
    ),
)
