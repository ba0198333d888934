"""Invented studies that are large in one of their dimensions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from normlab.analysis.result import StudyResult
from normlab.records.rows import Status, StudyRecord
from normlab.spec.arms import Arm
from normlab.spec.plan import plan
from normlab.spec.study import StudySpec
from tests.analysis.studies import run

Dimension = Callable[[int], StudySpec]


def of_seeds(n: int) -> StudySpec:
    seeds = tuple(i * i for i in range(n))  # no two of them in a row
    return StudySpec(seeds=seeds, recipe={"epochs": 2})


def of_arms(n: int) -> StudySpec:
    long = "-of-a-name-that-is-as-long-as-a-name-of-an-arm-may-be"
    others = [Arm(name=f"batch{i}{long}", norm="batch") for i in range(n)]
    return StudySpec(
        arms=(Arm(name="none", norm="none"), *others), seeds=(0, 1), recipe=RATES
    )


def of_rates(n: int) -> StudySpec:
    rates = tuple(0.001 * (i + 1) for i in range(n))
    return StudySpec(seeds=(0, 1, 2), recipe={"rates": rates, "epochs": 2})


def of_points(n: int) -> StudySpec:
    swept = {"recipe.weight_decay": [0.001 * i for i in range(n)]}
    return StudySpec(seeds=(0, 1, 2), recipe=RATES, sweep=swept)


def of_both_axes(n: int) -> StudySpec:
    swept = {
        "recipe.weight_decay": [0.001 * i for i in range(n)],
        "recipe.momentum": [0.0, 0.5],
    }
    return StudySpec(seeds=(0, 1, 2), recipe={"epochs": 2}, sweep=swept)


def of_epochs(n: int) -> StudySpec:
    return StudySpec(seeds=(0, 1, 2), recipe={"epochs": n})


RATES: Any = {"rates": (0.01, 0.1), "epochs": 2}
DIMENSIONS = (of_seeds, of_arms, of_rates, of_points, of_both_axes, of_epochs)


def grown(spec: StudySpec, third: Status = "diverged") -> StudyResult:
    """A study all runs of which are alike, but for the status of every third one."""
    keys = plan(spec)
    whole = run(keys[0])
    rows = [
        replace(whole.epochs[-1], epoch=epoch + 1, metrics={"validation_loss": 0.1})
        for epoch in range(spec.recipe.epochs)
    ]
    done = replace(whole, epochs=tuple(rows), step_losses=whole.step_losses[:40])
    ends = [done, done, replace(done, status=third)]
    runs = [
        replace(
            ends[i % 3],
            key=key,
            init_digest=f"{key.seed}",
            tensor_digests={"w": f"{key.seed}"},
        )
        for i, key in enumerate(keys)
    ]
    return StudyResult(StudyRecord(spec=spec, meta={"classes": "10"}, runs=tuple(runs)))
