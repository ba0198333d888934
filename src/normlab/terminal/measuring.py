"""How far a surface is, on standard error, where it takes more than two seconds."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import TYPE_CHECKING

from normlab.terminal.wording import duration

if TYPE_CHECKING:
    from normlab.landscape.monitor import SurfaceProgress

SILENT = 2.0  # seconds
PAUSE = 0.5  # seconds between two states of a line that is written over
LINES = 10.0  # seconds between two lines of a log


class Measuring:
    """Called with each progress; on a terminal one line, else a line now and then."""

    def __init__(self) -> None:
        self._next = perf_counter() + SILENT
        self._over = sys.stderr.isatty()
        self._told = False

    def __call__(self, progress: SurfaceProgress) -> None:
        """Say how far it is, if that is due."""
        now = perf_counter()
        # between two stages nothing is planned, and nobody knows what is left
        if now < self._next or progress.computed == progress.planned:
            return
        self._next = now + (PAUSE if self._over else LINES)
        self._told = True
        text = (
            f"{progress.computed:,} of {progress.planned:,} points, "
            f"{duration(progress.seconds_left)} left"
        )
        # what was there may have been longer
        ending = "" if self._over else "\n"
        shown = f"\r{text}\x1b[K" if self._over else text
        print(shown, end=ending, file=sys.stderr, flush=True)

    def ended(self) -> None:
        """Leave a clean line."""
        if self._told and self._over:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
