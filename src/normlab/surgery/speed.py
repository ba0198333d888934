"""How much faster a network is at inference for what was done to it."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import torch
from torch import nn

from normlab.surgery.examples import Example, run
from normlab.surgery.given import copied

_TIMES = 7


def speed(before: nn.Module, after: nn.Module, example: Example) -> str:
    """How long both take for an example at inference, in turns, in one line."""
    seconds: list[list[float]] = [[], []]
    models = [copied(model, [example]).eval() for model in (before, after)]
    for _ in range(_TIMES):
        for taken, model in zip(seconds, models, strict=True):
            with torch.no_grad():
                began = perf_counter()
                run(model, example)
                taken.append(perf_counter() - began)
    old, new = (1e3 * median(taken) for taken in seconds)
    return f"inference: {old:.3g} ms before, {new:.3g} ms after ({new / old:.2f} times)"
