"""What is said of a study takes work in proportion to it: no line of code runs squared.

Lines that run are counted, not seconds: the same on every machine.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import normlab
from normlab.analysis.result import StudyResult
from normlab.report.build import build
from normlab.terminal.summary_text import summary_text
from tests.analysis.large import DIMENSIONS, Dimension, grown

SOURCE = str(Path(normlab.__file__).parent)
FEW, MANY = 12, 48
Line = tuple[str, int]


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
    dimension: Dimension, say: Callable[[StudyResult], object]
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
