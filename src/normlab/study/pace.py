"""How long runs take that are shared over workers; torch-free."""

from __future__ import annotations

import heapq
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normlab.spec.study import Execution

PRIOR = 0.1  # of the work: what was expected of its pace counts as so much of it seen


@dataclass
class Pace:
    """Wall seconds a step takes, all evaluations in between shared out.

    Seconds and steps are summed with weights that halve every `half_life` seconds,
    so that the estimate follows a machine that becomes busy or idle. What was first
    counted is forgotten as soon as there is more: the first step of a process pays
    for what is set up once, and would spoil the estimate of the first minute.

    Example:
        >>> pace = Pace()
        >>> pace.add(steps=100, seconds=0.5)
        >>> pace.seconds_per_step
        0.005
    """

    half_life: float = 60.0
    _steps: float = 0.0
    _seconds: float = 0.0
    _blocks: int = 0

    def add(self, *, steps: int, seconds: float) -> None:
        """Count `steps` that took `seconds`; steps may be 0 (an evaluation)."""
        if steps:
            self._blocks += 1
            if self._blocks == 2:
                self._steps = self._seconds = 0.0
        fade = 0.5 ** (seconds / self.half_life)
        self._steps = self._steps * fade + steps
        self._seconds = self._seconds * fade + seconds

    @property
    def seconds_per_step(self) -> float | None:
        """Mean wall seconds per step, None before anything was counted."""
        return self._seconds / self._steps if self._steps else None


class Countdown:
    """Counts things down, and says how long the rest takes.

    Args:
        work: By name how much work each is, in any unit.
        expected: Seconds that a unit is expected to take before any is done; what is
            then seen replaces it by and by.
        clock: Seconds from any fixed moment.

    Example:
        >>> seconds = iter((0.0, 20.0, 20.0, 30.0, 31.0))
        >>> work = {"large": 100, "small": 20, "other": 30}
        >>> countdown = Countdown(work, clock=lambda: next(seconds))
        >>> countdown.reached("large", 0.5)
        >>> countdown.seconds_left()
        40.0
        >>> countdown.reached("large", 1.0)
        >>> countdown.left, countdown.seconds_left()
        (2, 14.0)
    """

    def __init__(
        self,
        work: Mapping[str, float],
        *,
        expected: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work, self.count = dict(work), len(work)
        self._whole = self._rest = math.fsum(work.values())
        self._shares: dict[str, float] = {}
        self._expected = expected
        self._clock = clock
        self._began = self._told = clock()

    def reached(self, name: str, share: float) -> None:
        """So much of one of them is done; with all of it, it is counted."""
        if name not in self._work:  # all that was known to be needed was done before
            return
        work = self._work.pop(name) if share >= 1 else self._work[name]
        # kept as it changes: there may be thousands, each told about many times
        self._rest -= work * (share - self._shares.pop(name, 0.0))
        if share < 1:
            self._shares[name] = share
        self._told = self._clock()

    @property
    def left(self) -> int:
        """How many are not done."""
        return len(self._work)

    @property
    def done(self) -> float:
        """How much of the work is done."""
        return self._whole - (self._rest if self._work else 0.0)

    def seconds_left(self) -> float | None:
        """None while nothing is known: what is no work says nothing of its pace."""
        if not self._work:
            return 0.0
        prior = 0.0 if self._expected is None else PRIOR * self._whole
        if self.done + prior <= 0:
            return None
        spent = self._told - self._began + prior * (self._expected or 0.0)
        each = spent / (self.done + prior)
        # between two reports time goes on
        return max(0.0, each * self._rest - (self._clock() - self._told))


def makespan(busy: Iterable[float], queue: Iterable[float], *, workers: int) -> float:
    """Seconds until the last worker is free.

    Args:
        busy: Seconds that runs in training still need, each on a worker of its own.
        queue: Seconds that waiting runs need, in the order in which they are taken.
        workers: How many runs are trained at a time.

    Example:
        >>> makespan([4.0, 1.0], [5.0, 5.0], workers=2)
        9.0
    """
    free_at = list(busy)
    free_at += [0.0] * max(0, workers - len(free_at))
    heapq.heapify(free_at)
    for seconds in queue:
        heapq.heapreplace(free_at, free_at[0] + seconds)
    return max(free_at, default=0.0)


def workers_of(execution: Execution) -> int:
    """How many runs are computed at a time: as many as cores, if not said."""
    if execution.workers is not None:
        return execution.workers
    cores = (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )
    return max(1, cores // execution.threads)
