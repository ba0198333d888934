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
        clock: Seconds from any fixed moment.

    Example:
        >>> seconds = iter((0.0, 20.0, 30.0))
        >>> work = {"large": 100, "small": 20, "other": 30}
        >>> countdown = Countdown(work, clock=lambda: next(seconds))
        >>> countdown.reached("large", 0.5)
        '0 of 3, about 40 s left'
        >>> countdown.tick("large")
        '1 of 3, about 15 s left'
    """

    def __init__(
        self, work: Mapping[str, float], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._work, self._count = dict(work), len(work)
        self._whole = self._rest = math.fsum(work.values())
        self._shares: dict[str, float] = {}
        self._clock, self._began = clock, clock()

    def reached(self, name: str, share: float) -> str:
        """One of them is under way, and this much of it is done."""
        done = share - self._shares.get(name, 0.0)
        self._rest -= self._work.get(name, 0.0) * done
        self._shares[name] = share
        return self._text()

    def tick(self, name: str) -> str:
        """One of them is done."""
        self._rest -= self._work.pop(name) * (1 - self._shares.pop(name, 0.0))
        return self._text()

    @property
    def left(self) -> int:
        """How many are not done."""
        return len(self._work)

    def _text(self) -> str:
        # kept as it changes: there may be thousands, each told about many times
        rest = self._rest if self._work else 0.0
        told, done = f"{self._count - self.left} of {self._count}", self._whole - rest
        if done <= 0:  # what took no work says nothing of the time that work takes
            return told
        seconds = (self._clock() - self._began) / done * rest
        return f"{told}, about {seconds:.0f} s left"


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
