"""What a measurement tells while it runs, and what it need not do again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from normlab.errors import BadSetting
from normlab.landscape.cells import Cells


@dataclass(frozen=True, kw_only=True)
class SurfaceProgress:
    """How far a surface is.

    Attributes:
        computed: Points computed so far.
        planned: Points known to be needed; it grows where a surface is rough.
        seconds_left: Estimate for these.
    """

    computed: int
    planned: int
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """What a measurement tells while it runs, and what it need not do again.

    Attributes:
        known: Cells of an interrupted measurement of the same surface.
        cells: Called with rows, columns and losses each time some are computed.
        progress: Called with the progress as often.
    """

    known: Cells | None = None
    cells: Callable[[NDArray[np.int64], NDArray[np.int64], NDArray], None] | None = None
    progress: Callable[[SurfaceProgress], None] | None = None

    def begun(self, rows: int, columns: int) -> Cells:
        """The cells that a measurement begins with.

        Raises:
            BadSetting: If those that are known are of another size.
        """
        if self.known is None:
            return Cells.empty(rows, columns)
        if self.known.loss.shape != (rows, columns):
            raise BadSetting(
                f"surface: the known cells have the shape {self.known.loss.shape}, this"
                f" surface has {(rows, columns)}. Go on with the settings it began"
                " with."
            )
        return self.known.copy()


class Clock:
    """Counts points and estimates the time left."""

    def __init__(self, watch: Monitor) -> None:
        self.tell = watch.progress
        self.began = perf_counter()
        self.computed = self.planned = 0

    def plan(self, points: int) -> None:
        """So many more are needed."""
        self.planned += points

    def tick(self, points: int) -> None:
        """So many more are there."""
        self.computed += points
        if self.tell is not None:
            pace = (perf_counter() - self.began) / self.computed
            left = self.planned - self.computed
            self.tell(
                SurfaceProgress(
                    computed=self.computed,
                    planned=self.planned,
                    seconds_left=pace * left,
                )
            )
