"""Experiments by name."""

from __future__ import annotations

from importlib import import_module

from normlab.errors import BadSetting
from normlab.experiments.experiment import Experiment
from normlab.spec.names import known

NAMES = (
    "article",
    "paper-figure-1",
    "paper-speed",
    "noisy-batch-norm",
    "learning-rates",
    "batch-sizes",
    "depth",
    "placement",
)
"""Every experiment; each is a file of this package, with _ for -."""


def experiment(name: str) -> Experiment:
    """The experiment of this name.

    Raises:
        BadSetting: If there is none.

    Example:
        >>> experiment("article").spec().recipe.epochs
        5
    """
    if name not in NAMES:
        raise BadSetting(
            f"unknown experiment '{name}'. {known(NAMES, instead_of=name)}"
        )
    module = import_module(f"normlab.experiments.{name.replace('-', '_')}")
    return module.EXPERIMENT
