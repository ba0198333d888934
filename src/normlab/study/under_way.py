"""A surface that is being measured: its cells are kept, and how far it is is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from normlab.landscape.cells import Cells
from normlab.landscape.monitor import Monitor, SurfaceProgress
from normlab.records.unfinished import KeptCells, keep_cells, kept_cells
from normlab.study.messages import Share

EVERY = 2.0  # seconds between two writes, and before the first report
RARER = 0.1  # of the seconds so far: reports of a long surface are further apart


class UnderWay:
    """What is known of one surface, in memory and on disk.

    What takes less than `EVERY` seconds touches no disk.

    Args:
        file: Where its cells are kept.
        about: Everything that they depend on; what was kept of anything else is left.
        points: Points per axis.
        tell: Is told its `Share`.
        clock: Seconds from any fixed moment.
    """

    def __init__(
        self,
        file: Path,
        *,
        about: str,
        points: int,
        tell: Callable[[Share], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._about, self._tell, self._clock = file, about, tell, clock
        kept = kept_cells(file, about)
        self._cells = (
            Cells.empty(points, points)
            if kept is None
            else Cells(loss=kept.loss, computed=kept.computed)
        )
        self._began = clock()
        self._keep_at = self._tell_at = self._began + EVERY

    @property
    def watch(self) -> Monitor:
        """What the measurement begins with, and whom it tells."""
        return Monitor(known=self._cells, cells=self._add, progress=self._report)

    def _add(
        self,
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        losses: NDArray[np.float64],
    ) -> None:
        self._cells.loss[rows, columns] = losses
        self._cells.computed[rows, columns] = True
        if self._clock() >= self._keep_at:
            cells = KeptCells(self._cells.loss, self._cells.computed)
            keep_cells(self._file, self._about, cells)
            self._keep_at = self._clock() + EVERY

    def _report(self, progress: SurfaceProgress) -> None:
        now = self._clock()
        if now >= self._tell_at:
            self._tell(Share(progress.computed / progress.planned))
            self._tell_at = now + max(EVERY, RARER * (now - self._began))
