"""Strokes: signals for a study at work, and how a command may end after them."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from tests.resilience.home import Command, Ended
from tests.resilience.stages import STAGES

KINDS = (
    ("KILL",),
    ("TERM",),
    ("INT",),
    ("HUP",),
    ("STOP", "CONT"),
    ("STOP", "KILL"),
    ("TERM", "KILL"),
    ("INT", "INT"),
    ("HUP", "TERM"),
)
TARGETS = ("conductor", "worker", "all")
_STARTS = 0.3  # seconds in which there is no normlab yet, but Python that starts


@dataclass(frozen=True)
class Stroke:
    """Signals one after the other, some seconds into a stage."""

    stage: str
    kind: tuple[str, ...]
    target: str
    delay: float
    gap: float

    def sooner(self, times: int) -> Stroke:
        """The same, nearer to the beginning of the stage."""
        return replace(self, delay=self.delay * 0.3**times)

    def land(self, command: Command, draws: random.Random) -> Stroke | None:
        """Strike; with whom it really hit, or None if all was over."""
        time.sleep(self.delay)
        pids = self._aims(command, draws)
        if not command.alive:
            return None
        for number, name in enumerate(self.kind):
            time.sleep(self.gap if number else 0)
            for pid in pids:
                if pid != command.pid or command.alive:
                    with suppress(ProcessLookupError):  # it has just ended
                        os.kill(pid, signal.Signals[f"SIG{name}"])
        if command.pid in pids:
            return replace(self, target=self.target.replace("worker", "conductor"))
        return self

    def allows(self, ended: Ended) -> bool:
        """Whether a command may have ended so after this stroke."""
        codes = {0, 1}  # too late; or a worker that died twice, of which is told
        if self.target != "worker":
            for name in self.kind:
                number = signal.Signals[f"SIG{name}"]
                codes |= {-number, 128 + number}
        return ended.code in codes and (ended.code != 1 or "failed" in ended.err)

    def _aims(self, command: Command, draws: random.Random) -> list[int]:
        workers = command.workers()
        if self.target == "conductor" or not workers:
            return [command.pid]
        if self.target == "worker":
            return [draws.choice(workers)]
        return draws.sample([command.pid, *workers], 1 + len(workers))


def dealt(stage: str, draws: random.Random) -> Iterator[Stroke]:
    """One to three strokes, the first at this stage and none earlier."""
    stages = list(STAGES)
    for _ in range(draws.randint(1, 3)):
        delay = draws.random() * STAGES[stage]
        yield Stroke(
            stage,
            kind=draws.choice(KINDS),
            target=draws.choice(TARGETS),
            delay=delay + (_STARTS if stage == "making" else 0),
            gap=draws.random() * 0.3,
        )
        stage = draws.choice(stages[stages.index(stage) :])
