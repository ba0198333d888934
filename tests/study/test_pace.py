"""How long a study takes, from what its steps took so far."""

from __future__ import annotations

import pytest

from normlab.spec.study import Execution
from normlab.study.pace import Countdown, Pace, makespan, workers_of


def test_nothing_counted_gives_no_pace() -> None:
    pace = Pace()
    pace.add(steps=0, seconds=3)
    assert pace.seconds_per_step is None


def test_pace_follows_a_machine_that_becomes_slower() -> None:
    pace = Pace(half_life=10)
    pace.add(steps=1000, seconds=10)
    for _ in range(10):
        pace.add(steps=100, seconds=10)
    assert pace.seconds_per_step == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize(
    ("busy", "queue", "workers", "seconds"),
    [
        ([], [], 2, 0.0),
        ([3.0], [], 2, 3.0),
        ([3.0, 1.0], [1.0], 2, 3.0),
        ([], [2.0, 2.0, 2.0], 2, 4.0),
        ([], [2.0, 2.0, 2.0], 1, 6.0),
        ([1.0, 1.0, 1.0], [], 2, 1.0),  # more in training than workers: all run
    ],
)
def test_runs_are_shared_over_the_workers(
    busy: list[float], queue: list[float], workers: int, seconds: float
) -> None:
    assert makespan(busy, queue, workers=workers) == seconds


def test_the_first_block_counts_until_there_is_another() -> None:
    pace = Pace()
    pace.add(steps=1, seconds=0.5)
    assert pace.seconds_per_step == 0.5
    pace.add(steps=1, seconds=0.01)
    assert pace.seconds_per_step == 0.01


def test_workers_are_as_many_as_asked_for() -> None:
    assert workers_of(Execution(workers=7)) == 7


def test_there_is_always_one_worker() -> None:
    assert workers_of(Execution(threads=1000)) == 1


def test_a_countdown_sums_what_several_workers_have_done() -> None:
    seconds = iter((0.0, 10.0, 10.0, 20.0, 20.0, 25.0))
    work = {"one": 100, "two": 100, "small": 50}
    countdown = Countdown(work, clock=lambda: next(seconds))
    countdown.reached("one", 0.5)
    # 100 of 250 in 10 seconds
    assert countdown.reached("two", 0.5) == "0 of 3, about 15 s left"
    countdown.tick("one")
    assert countdown.tick("two") == "2 of 3, about 5 s left"
    assert countdown.left == 1
    assert countdown.tick("small") == "3 of 3, about 0 s left"


def test_what_is_no_work_is_counted_and_tells_no_time() -> None:
    countdown = Countdown({"nothing": 0.0, "much": 10.0}, clock=lambda: 5.0)
    assert countdown.tick("nothing") == "1 of 2"
    assert countdown.tick("much") == "2 of 2, about 0 s left"
    assert Countdown({"nothing": 0.0}).tick("nothing") == "1 of 1"
