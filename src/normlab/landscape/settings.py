"""What a surface is asked for, refused where it makes no sense."""

from __future__ import annotations

from operator import index
from typing import get_args

import numpy as np
import torch
from torch.nn import functional

from normlab.errors import BadSetting
from normlab.landscape.evaluate.cross_entropy import CrossEntropy
from normlab.landscape.evaluate.objective import (
    Loss,
    LossObjective,
    ModelObjective,
    Objective,
    OfModel,
)
from normlab.landscape.monitor import Monitor
from normlab.records.surface import Statistics

MAX_THREADS = 1024


def refuse_settings(
    *,
    plane: object,
    statistics: object,
    threads: object,
    seed: object,
    watch: object,
) -> None:
    """What would otherwise fail somewhere far from where it was written.

    Raises:
        BadSetting: If one makes no sense.
    """
    if isinstance(plane, torch.Tensor | np.ndarray):
        raise BadSetting(
            f"plane: a {type(plane).__name__} of shape {tuple(plane.shape)} is none."
            " Inputs and targets go together: surface(model, (x, y))."
        )
    if statistics not in get_args(Statistics):
        allowed = ", ".join(get_args(Statistics))
        raise BadSetting(f"statistics={statistics!r} is unknown. Use {allowed}.")
    if threads is not None and not (_is_whole(threads) and index(threads) > 0):  # pyright: ignore[reportArgumentType]
        raise BadSetting(
            f"threads={_short(threads)} is not a whole number of at least 1. Use None"
            " for as many as torch uses."
        )
    if threads is not None and index(threads) > MAX_THREADS:  # pyright: ignore[reportArgumentType]
        raise BadSetting(
            f"threads={_short(threads)} is more than {MAX_THREADS:,}, and each needs a"
            " network of its own. Use as many as there are cores, or None."
        )
    if not _is_whole(seed):
        raise BadSetting(f"seed={_short(seed)} is not a whole number. Use 0.")
    if watch is not None and not isinstance(watch, Monitor):
        raise BadSetting(
            f"watch={_short(watch)} is no Monitor. Pass Monitor(progress=function)."
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else type(value).__name__


def objective_of(loss: Loss | None, objective: OfModel | None) -> Objective:
    """What is measured.

    Raises:
        BadSetting: If both are given, or one cannot be called.
    """
    if loss is not None and objective is not None:
        raise BadSetting(
            "loss and objective are both given. Pass loss(outputs, targets) or"
            " objective(model, batch)."
        )
    for name, given in (("loss", loss), ("objective", objective)):
        if given is not None and not callable(given):
            raise BadSetting(
                f"{name}={_short(given)} cannot be called. Pass a function."
            )
    if objective is not None:
        return ModelObjective(objective)
    if loss is None or loss is functional.cross_entropy:
        return CrossEntropy()
    return LossObjective(loss)
