"""What a conductor does for each run is as much for many runs as for few."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from normlab.records.events import EpochDone, Steps
from normlab.spec.plan import RunKey, plan
from normlab.spec.study import StudySpec
from normlab.study.jobs import JobContext
from normlab.study.listener import Workload
from normlab.study.pace import Countdown
from normlab.study.progress import Progress
from normlab.study.surfaces import surface_jobs
from normlab.terminal import lines as lines_module
from normlab.terminal.lines import Lines
from normlab.terminal.live import LiveProgress
from tests.work import squared

EPOCH = 10  # steps
Hears = Callable[[RunKey, object], None]


def of(n: int) -> StudySpec:
    """Two arms from one seed at each of so many points and two rates."""
    swept = {"recipe.weight_decay": [0.001 * i for i in range(n)]}
    return StudySpec(seeds=(0,), recipe={"epochs": 1, "rates": (0.1, 1)}, sweep=swept)


class Clock:
    """Goes on by 0.1 s with each event, and by `look` seconds with each look."""

    def __init__(self, look: float) -> None:
        self.look, self.looked, self.now = look, 0, 1.0

    @property
    def looking(self) -> float:
        return self.look * self.looked

    def looks(self) -> float:
        self.now += self.look
        self.looked += 1
        return 60.0

    def ticks(self, event: Hears) -> Hears:
        def ticked(key: RunKey, what: object) -> None:
            self.now += 0.1
            event(key, what)

        return ticked


def played(progress: Progress, spec: StudySpec) -> None:
    """A whole study, run by run; those at the second rate join it on the way."""
    keys = sorted(plan(spec), key=lambda key: key.rate)
    half = len(keys) // 2
    steps = dict.fromkeys(spec.sweep.points, EPOCH)
    progress.began(Workload(spec, keys[:half], steps, {}))
    progress.joined(keys[half:])
    for key in keys:
        progress.status(key, "running", None)
        progress.event(
            key, Steps(first=1, losses=np.ones(EPOCH, np.float32), seconds=0.1)
        )
        done = {"train_loss": 0.5, "test_loss": 0.4, "test_accuracy": 0.9}
        progress.event(
            key, EpochDone(epoch=1, seconds=0.1, batch_digest="", metrics={}, **done)
        )
        progress.status(key, "done", None)


@pytest.mark.parametrize("look", [0.0, 0.001, 0.3, 20.0])
def test_to_look_at_all_runs_takes_a_small_share_of_the_time(
    look: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(look)
    monkeypatch.setattr(lines_module.time, "perf_counter", lambda: clock.now)
    lines = Lines()
    monkeypatch.setattr(lines, "seconds_left", clock.looks)
    monkeypatch.setattr(lines, "event", clock.ticks(lines.event))
    played(lines, of(20))
    # the first line has nothing before it
    assert clock.looking <= 0.02 * clock.now + look
    assert clock.looked >= 1


def test_a_picture_of_a_study_takes_one_look_at_each_run() -> None:
    def picture(n: int) -> None:
        page = Console(file=io.StringIO(), force_terminal=True, width=79, height=24)
        live = LiveProgress(page)
        live._live.stop()  # its thread would draw at its own times
        played(live, of(n))
        for _ in range(3):
            live.picture()

    assert not squared(picture)


def test_a_countdown_is_told_without_summing_what_is_left() -> None:
    def counted(n: int) -> None:
        clock = map(float, count())
        countdown = Countdown(
            dict.fromkeys(map(str, range(n)), 1.0), clock=lambda: next(clock)
        )
        for i in range(n):
            countdown.reached(str(i), 0.5)
            countdown.reached(str(i), 1.0)
            countdown.seconds_left()

    assert not squared(counted)


def test_the_surfaces_of_a_run_are_found_without_a_search() -> None:
    def jobs(n: int) -> None:
        spec = StudySpec(seeds=tuple(range(n)))
        context = JobContext(
            spec=spec,
            source=None,  # pyright: ignore[reportArgumentType]
            data=Path(),
            live=None,
            shared=(),
            device="cpu",
        )
        status = dict.fromkeys(plan(spec), "done")
        assert surface_jobs(context, Path("arrays"), Path("unfinished"), status)

    assert not squared(jobs)
