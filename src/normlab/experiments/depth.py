"""Depth x norm: 3 to 30 hidden layers, without shortcuts."""

from __future__ import annotations

from normlab.experiments.experiment import Experiment, Statement

_SOURCE = "Ioffe and Szegedy 2015, sections 1 and 3.3"

EXPERIMENT = Experiment(
    name="depth",
    title="Up to which depth does a plain network train, with and without batch norm?",
    differs=(
        "The paper argues, and shows no such figure. Here are networks without "
        "shortcuts from torch's default weights, which let the signal shrink from "
        "layer to layer; part of what batch norm does is to make up for that."
    ),
    picture="sweep",
    default={
        "seeds": tuple(range(10)),
        "measure": "none",
        "data": {"training": 12_000},
        "model": {"width": 100},
        "recipe": {"rates": (0.01, 0.1)},
        "sweep": {"model.depth": (3, 6, 10, 20, 30)},
    },
    full={
        "seeds": tuple(range(12)),
        "data": {"training": "auto"},
        "recipe": {"rates": (0.01, 0.03, 0.1), "epochs": 10},
        "sweep": {"model.depth": (3, 6, 10, 15, 20, 25, 30)},
    },
    statements=(
        Statement(
            says="small changes grow on their way through a deep network, and batch "
            "norm keeps them from it: it trains faster",
            source=_SOURCE,
            claim="faster-convergence",
            arm="batch",
        ),
        Statement(
            says="and to a better accuracy",
            source=_SOURCE,
            claim="better-accuracy",
            arm="batch",
        ),
        Statement(
            says="at larger rates too",
            source=_SOURCE,
            claim="wider-learning-rates",
            arm="batch",
        ),
    ),
)
