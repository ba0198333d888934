"""The network itself where its training loss first falls below each of some levels."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from normlab.probes.context import ProbeContext
from normlab.probes.notes import NotingProbe, as_pending, pending
from normlab.records.levels import LEVELS, level_loss
from normlab.records.observed.levels import LevelArrays
from normlab.train.checkpoint import save_network
from normlab.train.step_state import StepState

WINDOW = 101  # step losses that the median is of


class RunningMedian:
    """The median of the last losses, as they come.

    Args:
        window: Of how many, an odd number; there is none before.

    Example:
        >>> median = RunningMedian(3)
        >>> [median.add(loss) for loss in (5.0, 1.0, 2.0, 4.0)]
        [inf, inf, 2.0, 2.0]
    """

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self.last: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, loss: float) -> float:
        """Take one more loss; infinite until there are as many as the window has."""
        if len(self.last) == self._window:
            del self._sorted[bisect_left(self._sorted, self.last.popleft())]
        self.last.append(loss)
        insort(self._sorted, loss)
        whole = len(self.last) == self._window
        return self._sorted[self._window // 2] if whole else math.inf


class Levels(NotingProbe):
    """Writes all parameters and buffers to `step-N.safetensors` at each level.

    A run that goes on from a checkpoint writes the same files again. It asks to look at
    no step, but is told the loss of each (`train/step_state.py`: `Listener`).

    Args:
        folder: Where to; made when it is needed.
        classes: Of the data, 2 or more; levels are shares of the loss of chance.
    """

    kind = LevelArrays
    touches = False

    def __init__(self, folder: Path, *, classes: int) -> None:
        super().__init__(())
        self._folder = folder
        self._classes = classes
        self._median = RunningMedian()
        self._next = 0  # the level that is to be reached

    @property
    def listening(self) -> bool:
        """Until the last level is reached."""
        return self._next < LEVELS

    def heard(self, step: int, loss: float, model: nn.Module) -> None:
        """Keep the network that this step has made, if the median is low enough."""
        if not math.isfinite(loss):
            self._next = LEVELS  # such a run is at its end
            return
        median = self._median.add(loss)
        reached = self._next
        while self.listening and median < level_loss(self._next, self._classes):
            self._notes.add(step, {"level": torch.tensor(self._next)})
            self._next += 1
        if self._next > reached:
            save_network(model, self._folder / f"step-{step}.safetensors")

    def observe(self, state: StepState) -> None:
        """Never asked to."""

    def arrays(self) -> Mapping[str, Tensor]:
        """The levels reached so far, and the losses that the next median needs."""
        last = torch.tensor([*self._median.last], dtype=torch.float64)
        more = {"last": last, "next": torch.tensor(self._next)}
        return {**super().arrays(), **as_pending(more)}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        super().restore(arrays)
        kept = pending(arrays)
        self._next = int(kept["next"])
        self._median = RunningMedian()
        for loss in kept["last"].tolist():
            self._median.add(loss)


def levels(of: ProbeContext) -> Levels | None:
    """The probe of one run; none where no folder is given, or there is one class."""
    classes = len(of.config.dataset.classes)
    if of.levels is None or classes < 2:
        return None
    return Levels(of.levels, classes=classes)
