"""What is said of a study takes work in proportion to it: no line of code runs squared.

Lines that run are counted, not seconds: the same on every machine.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import normlab
from normlab.analysis.result import StudyResult
from normlab.records.rows import RunRecord, StudyRecord
from normlab.report.build import build
from normlab.spec.arms import Arm
from normlab.spec.plan import plan
from normlab.spec.study import StudySpec
from normlab.terminal.summary_text import summary_text
from tests.analysis.studies import run

SOURCE = str(Path(normlab.__file__).parent)
FEW, MANY = 12, 48
Line = tuple[str, int]


def of_seeds(n: int) -> StudySpec:
    return StudySpec(seeds=tuple(range(n)), recipe={"epochs": 2})


def of_arms(n: int) -> StudySpec:
    others = [Arm(name=f"batch{i}", norm="batch") for i in range(n)]
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


def grown(spec: StudySpec) -> StudyResult:
    """A study all runs of which are alike, but that every third one diverged."""
    keys = plan(spec)
    whole = run(keys[0])
    rows = [
        replace(whole.epochs[-1], epoch=epoch + 1, metrics={"validation_loss": 0.1})
        for epoch in range(spec.recipe.epochs)
    ]
    done = replace(whole, epochs=tuple(rows), step_losses=whole.step_losses[:40])
    ends: list[RunRecord] = [done, done, replace(done, status="diverged")]
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


def lines_run(work: Callable[[], object]) -> Counter[Line]:
    """How often each line of normlab runs."""
    ran: Counter[Line] = Counter()

    def line(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            ran[frame.f_code.co_filename, frame.f_lineno] += 1
        return line

    def call(frame: FrameType, _event: str, _: object) -> Any:
        return line if frame.f_code.co_filename.startswith(SOURCE) else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        work()
    finally:
        sys.settrace(before)
    return ran


def shown(result: StudyResult) -> object:
    return summary_text(result, Path("s"))


@pytest.mark.parametrize("say", [shown, StudyResult.to_json, build])
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_work_grows_with_the_study_and_not_with_its_square(
    dimension: Callable[[int], StudySpec], say: Callable[[StudyResult], object]
) -> None:
    few, many = (lines_run(partial(say, grown(dimension(n)))) for n in (FEW, MANY))
    # in proportion 4 times as often; for every pair 16 times, and some 1,000 times.
    # What does not run for few things, as there is room for all, tells nothing.
    squared = {
        at: (few[at], times)
        for at, times in many.items()
        if times > MANY**2 / 4 and times > 8 * few[at] > 0
    }
    assert not squared
