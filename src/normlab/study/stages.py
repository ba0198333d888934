"""What a study measures when all runs are trained, and how long that takes; torch-free.

Its work is counted in steps of training, so that an estimate of the whole is there as
soon as the first steps have been taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from normlab.spec.point import SweepPoint
from normlab.study.pace import Countdown


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Things that are measured one after another, or several at a time."""

    name: str
    """What they are called together."""
    work: Mapping[str, float] = field(repr=False)
    """Of each by its name, in steps of training at `point`."""
    point: SweepPoint = ()
    workers: int = 1

    @property
    def steps(self) -> float:
        """All of the work."""
        return sum(self.work.values())

    def seconds(self, step: float) -> float:
        """How long it takes where a step takes `step` seconds.

        Example:
            >>> stage = Stage(name="surfaces", work={"a": 30, "b": 10}, workers=2)
            >>> stage.seconds(0.5)
            15.0
        """
        largest = max(self.work.values(), default=0.0)
        return step * max(largest, self.steps / self.workers)


class Stages:
    """The stages of a study: those that are done, the one under way, those to come.

    Args:
        planned: In their order, as far as is known before training.
        clock: Seconds from any fixed moment.
    """

    def __init__(
        self,
        planned: Iterable[Stage] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._ended = 0.0  # steps of those that are done
        self._now: tuple[Stage, Countdown] | None = None
        self.following = tuple(planned)
        """Those that have not begun."""

    def began(self, stage: Stage, step: float | None) -> None:
        """A stage begins; what was planned of it is replaced by what it really is."""
        if self._now:
            self._ended += self._now[0].steps
        expected = stage.seconds(step) / stage.steps if step and stage.steps else None
        self._now = stage, Countdown(stage.work, expected=expected, clock=self._clock)
        self.following = tuple(s for s in self.following if s.name != stage.name)

    def reached(self, name: str, share: float) -> None:
        """So much of one thing of the stage under way is done."""
        if self._now:
            self._now[1].reached(name, share)

    @property
    def steps_total(self) -> float:
        """The work of all, as far as is known now."""
        now = self._now[0].steps if self._now else 0.0
        return self._ended + now + sum(stage.steps for stage in self.following)

    @property
    def steps_done(self) -> float:
        """How much of it is done."""
        return self._ended + (self._now[1].done if self._now else 0.0)

    def seconds_left(self, step: Callable[[SweepPoint], float | None]) -> float | None:
        """Until the last stage ends; None where nothing is known of any.

        Args:
            step: How long a step takes at a point.
        """
        parts = [self._now[1].seconds_left()] if self._now else []
        for stage in self.following:
            each = step(stage.point)
            parts.append(None if each is None else stage.seconds(each))
        known = [seconds for seconds in parts if seconds is not None]
        return sum(known) if known or not parts else None

    @property
    def text(self) -> str:
        """How far the stage under way is; empty where there is none."""
        if not self._now or not self._now[1].count:
            return ""
        stage, countdown = self._now
        if countdown.count == 1:
            share = countdown.done / stage.steps if stage.steps else 0.0
            return f"{stage.name}: {int(100 * share)} %"
        done = countdown.count - countdown.left
        return f"{stage.name}: {done:,} of {countdown.count:,}"
