"""Progress where there is no terminal: whole lines, nothing to overwrite."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.words import count, nats
from normlab.foreign import plain
from normlab.records import events
from normlab.study.listener import Workload
from normlab.study.progress import Progress
from normlab.terminal.printing import say
from normlab.terminal.wording import duration, percent, run_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from normlab.spec.plan import RunKey

_SHARE = 0.02  # of the time, for saying how much of it is left
_WORTH_A_LINE = ("diverged", "failed", "interrupted")


class Lines(Progress):
    """Prints a line for every finished epoch and for whatever went wrong."""

    _left = "-"
    _next_look = 0.0  # at what is left, on the clock of this process

    def began(self, work: Workload) -> None:
        """Say how much lies ahead."""
        super().began(work)
        todo = self.steps_total - self.steps_done
        _say(f"{todo:,} steps left, {count(self.workers, 'run')} at a time")

    def joined(self, keys: Sequence[RunKey]) -> None:
        """Say which rates are tried next."""
        super().joined(keys)
        for key in keys:
            _say(f"{self._name(key)}  added")

    def event(self, key: RunKey, event: object) -> None:
        """Print the epoch that ended."""
        super().event(key, event)
        if isinstance(event, events.EpochDone):
            _say(f"{self._name(key)}  {self._epoch(event)}  {self._speed(key)}")

    def status(self, key: RunKey, status: str, reason: str | None) -> None:
        """Print what keeps a run from going on."""
        super().status(key, status, reason)
        if status in _WORTH_A_LINE:
            why = f": {reason}" if reason and self.news(reason) else ""
            _say(f"{self._name(key)}  {status}{why}")

    def reached(self, name: str, share: float) -> None:
        """Print how far the stage is, and when the study will end."""
        super().reached(name, share)
        _say(f"{self.stages.text}  left {self._time_left()}")

    def note(self, text: str) -> None:
        """Print the phase."""
        super().note(text)
        _say(text)

    def told(self, text: str) -> None:
        """Print it, in lines that fit a terminal."""
        say(wrapped(plain(text)))

    def _name(self, key: RunKey) -> str:
        return run_name(key, rates=self.several_rates, labels=self.labels)

    def _epoch(self, done: events.EpochDone) -> str:
        return (
            f"epoch {done.epoch}/{self.epochs}  train loss {nats(done.train_loss)}  "
            f"test loss {nats(done.test_loss)}  "
            f"test accuracy {percent(done.test_accuracy)}"
        )

    def _speed(self, key: RunKey) -> str:
        speed = self.runs[key].steps_per_second
        steps = f"{speed:.0f} steps/s  " if speed else ""
        return f"{steps}left {self._time_left()}"

    def _time_left(self) -> str:
        """As it was not long ago: to look anew at all runs takes a share of the time.

        At every line it would take ever more for each run, the more runs there are.
        """
        began = time.perf_counter()
        if began >= self._next_look:
            self._left = duration(self.seconds_left())
            self._next_look = began + (time.perf_counter() - began) / _SHARE
        return self._left


def _say(line: str) -> None:
    # flushed: whoever follows the log sees an epoch when it ends
    say(plain(line))
