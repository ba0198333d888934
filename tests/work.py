"""Work is counted in lines that run: the same on every machine."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import normlab

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


def squared(work: Callable[[int], object]) -> dict[Line, tuple[int, int]]:
    """The lines that run for every pair of things, where there are few and many.

    Args:
        work: Does what is asked about for so many things.
    """
    few, many = (lines_run(partial(work, n)) for n in (FEW, MANY))
    # in proportion 4 times as often; for every pair 16 times, and some 1,000 times.
    # What does not run for few things, as there is room for all, tells nothing.
    return {
        at: (few[at], times)
        for at, times in many.items()
        if times > MANY**2 / 4 and times > 8 * few[at] > 0
    }
