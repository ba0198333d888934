"""What a study says while it trains, and how long it will still take; torch-free.

`Progress` is the listener that keeps count; how it is shown (a live table, plain lines)
is the business of whoever asked for the study.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from normlab.records import events
from normlab.study.listener import Silent, Workload
from normlab.study.pace import Pace, makespan, workers_of
from normlab.study.stages import Stage, Stages

if TYPE_CHECKING:
    from normlab.spec.plan import RunKey
    from normlab.spec.point import SweepPoint

SETTLED = frozenset({"done", "diverged", "failed"})


@dataclass
class RunProgress:
    """How far one run is."""

    key: RunKey
    status: str = "queued"
    epoch: int = 0  # finished epochs
    step: int = 0  # finished steps
    loss: float | None = None  # mean training loss of the last block of steps
    accuracy: float | None = None  # test accuracy, as last measured
    glimpse: bool = False  # whether that was on a slice of the test images
    steps_per_second: float | None = None
    reason: str | None = None
    seen: float | None = field(default=None, repr=False)  # clock at the last report


class Progress(Silent):
    """Keeps count of a study: how far every run is and how long the rest takes.

    Args:
        clock: Seconds from any fixed moment; never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.runs: dict[RunKey, RunProgress] = {}
        self.epochs = 0
        self.workers = 1
        self.phase = ""
        self.labels: Mapping[str, str] = {}
        self.stages = Stages()
        """What follows training."""
        self._clock = clock
        self._started = clock()
        self._paces: dict[tuple[str, SweepPoint], Pace] = {}
        self._step_paces: dict[SweepPoint, Pace] = {}  # of steps alone
        self._steps_per_epoch: dict[SweepPoint, int] = {}
        self._reasons: set[str] = set()
        self._rates: set[float] = set()
        self.steps_total = 0
        """Steps of all runs together."""

    def news(self, reason: str) -> bool:
        """Whether this reason is heard for the first time; runs often share one."""
        new = reason not in self._reasons
        self._reasons.add(reason)
        return new

    def began(self, work: Workload) -> None:
        """Lay out one line per run, with what an earlier session finished."""
        self.epochs = work.spec.recipe.epochs
        self.labels = work.spec.labels
        self.stages = Stages(work.stages, clock=self._clock)
        self._steps_per_epoch = dict(work.steps_per_epoch)
        self.workers = workers_of(work.spec.execution)
        self._started = self._clock()
        # all laid out here: a display in another thread may read while we count
        self._paces = {(key.arm, key.point): Pace() for key in work.runs}
        self._step_paces = {key.point: Pace() for key in work.runs}
        for key in work.runs:
            epoch = work.epochs_done.get(key, 0)
            status = "done" if epoch >= self.epochs else "queued"
            steps = epoch * self._steps_per_epoch[key.point]
            run = self.runs[key] = RunProgress(key, status, epoch, steps)
            if epoch and key in work.last:
                run.loss = work.last[key].train_loss
                run.accuracy = work.last[key].test_accuracy
        self._counted(work.runs)

    def joined(self, keys: Sequence[RunKey]) -> None:
        """Lay out a line for each run that was added."""
        # replaced whole: a display in another thread may be reading the old one
        self.runs = {**self.runs, **{key: RunProgress(key) for key in keys}}
        self._counted(keys)

    def steps_of(self, key: RunKey) -> int:
        """Steps of a whole run, if it does not diverge."""
        return self._steps_per_epoch[key.point] * self.epochs

    def event(self, key: RunKey, event: object) -> None:
        """Move the run `key` on by what it reported."""
        run, now = self.runs[key], self._clock()
        match event:
            case events.Steps(first=first, losses=losses, seconds=seconds):
                self._count(run, first - 1, len(losses), seconds, now)
                run.loss = float(losses.mean())
            case events.InterimEval(accuracy=accuracy):
                run.accuracy, run.glimpse = accuracy, True
            case events.EpochDone(epoch=epoch, test_accuracy=accuracy):
                run.epoch = epoch
                if accuracy is not None:
                    run.accuracy, run.glimpse = accuracy, False
                if run.seen is not None:
                    self._pace(run).add(steps=0, seconds=now - run.seen)
            case _:
                pass
        run.seen = now

    def paced(self, arm: str, point: SweepPoint, *, each: float, step: float) -> None:
        """Know the pace of an arm before it is trained.

        Args:
            arm: Its name.
            point: Of the sweep.
            each: Seconds of a step, all that is looked at in between shared out.
            step: Seconds of a step alone.
        """
        self._paces[arm, point].add(steps=1, seconds=each)
        self._step_paces[point].add(steps=1, seconds=step)

    def status(self, key: RunKey, status: str, reason: str | None) -> None:
        """Note where the run `key` stands."""
        run = self.runs[key]
        run.status, run.reason = status, reason
        if status != "running":
            run.seen = run.steps_per_second = None

    def stage(self, stage: Stage) -> None:
        """Replace what was planned of it by what it is."""
        self.stages.began(stage, self.step_seconds(stage.point))

    def reached(self, name: str, share: float) -> None:
        """Move the stage on."""
        self.stages.reached(name, share)

    def note(self, text: str) -> None:
        """Keep the latest phase."""
        self.phase = text

    @property
    def several_rates(self) -> bool:
        """Whether a run's learning rate is part of its name."""
        return len(self._rates) > 1

    @property
    def steps_done(self) -> int:
        """Steps that need no more work: a diverged run leaves none to do."""
        return self.steps_total - sum(map(self._steps_left, self.runs.values()))

    @property
    def seconds_gone(self) -> float:
        """Seconds since training began."""
        return self._clock() - self._started

    @property
    def share(self) -> float:
        """How much of the whole is done, what follows training among it."""
        whole = self.steps_total + self.stages.steps_total
        return (self.steps_done + self.stages.steps_done) / max(1.0, whole)

    def seconds_left(self) -> float | None:
        """Seconds until the study ends: training, and what follows it.

        The runs being trained keep their workers; the others go, in the order of the
        plan, to whoever is free first. A step costs what steps of the same arm cost
        so far (before its first step: what steps cost on average).

        Returns:
            None before the first steps were reported.
        """
        training, after = (
            self._training_left(),
            self.stages.seconds_left(self.step_seconds),
        )
        if training is None:
            return None
        return after if not training else training + (after or 0.0)

    def step_seconds(self, point: SweepPoint) -> float | None:
        """What a step takes at a point, without what is looked at in between.

        On average over arms; where none was taken there, over all points. None before
        the first.
        """
        at = self._step_paces.get(point)
        if at and at.seconds_per_step is not None:
            return at.seconds_per_step
        return _mean(self._step_paces.values())

    def _training_left(self) -> float | None:
        left = [run for run in self.runs.values() if run.status not in SETTLED]
        if not left:
            return 0.0
        mean = _mean(self._paces.values())
        if mean is None:
            return None
        busy = [self._cost(run, mean) for run in left if run.status == "running"]
        queue = [self._cost(run, mean) for run in left if run.status != "running"]
        return makespan(busy, queue, workers=self.workers)

    def _counted(self, keys: Sequence[RunKey]) -> None:
        """What is the same at every look, counted once: there may be 100,000 runs."""
        self._rates.update(key.rate for key in keys)
        self.steps_total += sum(map(self.steps_of, keys))

    def _count(
        self, run: RunProgress, done: int, steps: int, seconds: float, now: float
    ) -> None:
        # After a lost worker a run starts again from its checkpoint: the step is
        # set, not added, and the wall time of the gap is nobody's pace.
        in_order = run.seen is not None and done == run.step
        wall = now - run.seen if in_order and run.seen is not None else seconds
        run.step = done + steps
        run.epoch = min(run.epoch, run.step // self._steps_per_epoch[run.key.point])
        run.steps_per_second = steps / seconds if seconds > 0 else None
        self._pace(run).add(steps=steps, seconds=max(wall, seconds))
        self._step_paces[run.key.point].add(steps=steps, seconds=seconds)

    def _pace(self, run: RunProgress) -> Pace:
        return self._paces[run.key.arm, run.key.point]

    def _steps_left(self, run: RunProgress) -> int:
        return 0 if run.status in SETTLED else self.steps_of(run.key) - run.step

    def _cost(self, run: RunProgress, mean: float) -> float:
        per_step = self._pace(run).seconds_per_step or mean
        # between two reports time goes on, also on the clock that counts down
        waited = 0.0 if run.seen is None else self._clock() - run.seen
        return max(0.0, self._steps_left(run) * per_step - waited)


def _mean(paces: Iterable[Pace]) -> float | None:
    """Of those that are known, each with the same weight."""
    known = [pace.seconds_per_step for pace in paces]
    measured = [seconds for seconds in known if seconds is not None]
    return math.fsum(measured) / len(measured) if measured else None
