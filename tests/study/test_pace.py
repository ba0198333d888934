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


def counting(work: dict[str, float], *seconds: float) -> Countdown:
    return Countdown(work, clock=iter(seconds).__next__)


def test_a_countdown_sums_what_several_workers_have_done() -> None:
    countdown = counting(
        {"one": 100, "two": 100, "small": 50}, 0, 10, 10, 10, 20, 20, 20, 25
    )
    countdown.reached("one", 0.5)
    countdown.reached("two", 0.5)
    assert countdown.seconds_left() == 15  # 100 of 250 in 10 seconds
    countdown.reached("one", 1.0)
    countdown.reached("two", 1.0)
    assert (countdown.left, countdown.seconds_left()) == (1, 5)
    countdown.reached("small", 1.0)
    assert (countdown.left, countdown.seconds_left()) == (0, 0)


def test_what_is_no_work_is_counted_and_tells_no_time() -> None:
    countdown = counting({"nothing": 0.0, "much": 10.0}, 0, 5, 5, 5)
    countdown.reached("nothing", 1.0)
    assert (countdown.left, countdown.seconds_left()) == (1, None)


def test_what_was_expected_of_its_pace_gives_way_to_what_is_seen() -> None:
    now = 0.0
    things = {str(i): 1.0 for i in range(100)}
    countdown = Countdown(things, expected=1.0, clock=lambda: now)
    assert countdown.seconds_left() == 100
    for i in range(90):
        now += 3.0
        countdown.reached(str(i), 1.0)
    assert countdown.seconds_left() == pytest.approx(30, rel=0.1)


def test_time_left_goes_down_between_two_reports_and_never_below_nothing() -> None:
    countdown = counting({"one": 1.0, "two": 1.0}, 0, 10, 12, 100)
    countdown.reached("one", 1.0)
    assert countdown.seconds_left() == 8
    assert countdown.seconds_left() == 0


def test_what_was_done_already_is_not_counted_twice() -> None:
    countdown = counting({"one": 1.0, "two": 1.0}, 0, 1, 2, 3)
    countdown.reached("one", 1.0)
    countdown.reached("one", 0.7)  # more turned out to be needed
    countdown.reached("one", 1.0)
    assert (countdown.left, countdown.done) == (1, 1.0)
