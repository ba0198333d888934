"""Invented studies over rates and points, with losses that are known curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

from normlab.analysis.design.rates import Choice, HeldOutLosses, own_best
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.plan import RunKey, plan
from normlab.spec.study import StudySpec
from tests.analysis.studies import run

Loss = Callable[[RunKey], float]


def rates_spec(
    *rates: float,
    seeds: int = 4,
    refine: int = 0,
    sweep: dict[str, list[int]] | None = None,
) -> StudySpec:
    """Two arms over these rates."""
    return StudySpec(
        recipe={"rates": rates, "refine": refine, "epochs": 2},
        seeds=tuple(range(seeds)),
        sweep=sweep or {},
    )


def valley(lowest: dict[str, float]) -> Loss:
    """A parabola in the logarithm of the rate, with a minimum for each arm."""
    return lambda key: 0.1 + math.log(key.rate / lowest[key.arm]) ** 2


def made(key: RunKey, loss: float, *, accuracy: float = 0.98) -> RunRecord:
    """A run with this loss on test and held-out images; not finite: it diverged."""
    whole = run(key, accuracy=accuracy)
    if not math.isfinite(loss):
        return replace(whole, status="diverged", epochs=(), test_loss=None)
    epochs = tuple(
        replace(row, test_loss=loss, metrics={"validation_loss": loss})
        for row in whole.epochs
    )
    return replace(whole, epochs=epochs, test_loss=loss)


def over_rates(spec: StudySpec, loss: Loss, more: Iterable[RunKey] = ()) -> StudyRecord:
    """Every run of the plan and some more, done."""
    keys = dict.fromkeys((*plan(spec), *more))
    return StudyRecord(
        spec=spec,
        meta={"classes": "10"},
        runs=tuple(made(key, loss(key)) for key in keys),
    )


def best(record: StudyRecord, arm: str) -> Choice:
    """The arm's own best rate."""
    return own_best(record.spec, HeldOutLosses.of(record), arm)
