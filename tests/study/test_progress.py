"""What progress counts, and when it says the study will end."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from normlab.records.events import EpochDone, InterimEval, Started, Steps
from normlab.spec.plan import RunKey, plan
from normlab.spec.study import Execution, StudySpec
from normlab.study.listener import Silent, Workload
from normlab.study.progress import Progress
from normlab.study.stages import Stage

EPOCH = 100  # steps
SPEC = StudySpec(seeds=(0, 1), execution=Execution(workers=2))  # 4 runs of 5 epochs
PLAN = plan(SPEC)
FIRST, SECOND, THIRD, FOURTH = PLAN


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    progress = Progress(clock)
    progress.began(Workload(SPEC, PLAN, {(): EPOCH}, {}))
    return progress


def start(progress: Progress, key: RunKey) -> None:
    progress.status(key, "running", None)
    progress.event(key, Started(parameters=1, init_digest=""))


def block(first: int, steps: int, *, seconds: float, loss: float = 1.0) -> Steps:
    return Steps(first=first, losses=np.full(steps, loss, np.float32), seconds=seconds)


def epoch(number: int, accuracy: float | None = 0.9) -> EpochDone:
    return EpochDone(
        epoch=number,
        train_loss=0.5,
        test_loss=0.4,
        test_accuracy=accuracy,
        seconds=1.0,
        batch_digest="",
    )


def test_nothing_is_promised_before_the_first_steps(progress: Progress) -> None:
    assert progress.seconds_left() is None
    start(progress, FIRST)
    assert progress.seconds_left() is None


def test_the_first_block_of_steps_is_enough_for_an_estimate(
    progress: Progress, clock: Clock
) -> None:
    start(progress, FIRST)
    clock.now += 1
    progress.event(FIRST, block(1, 50, seconds=1.0))
    # 0.02 s a step; the idle worker takes the next two runs, the busy one the last
    assert progress.seconds_left() == pytest.approx(0.02 * (500 + 500))


def test_a_run_counts_its_block_of_steps(progress: Progress, clock: Clock) -> None:
    start(progress, FIRST)
    clock.now += 2
    progress.event(FIRST, block(1, 50, seconds=0.5, loss=0.25))
    run = progress.runs[FIRST]
    assert (run.step, run.loss, run.steps_per_second) == (50, 0.25, 100.0)
    assert (progress.steps_done, progress.steps_total) == (50, 2000)


def test_evaluation_between_the_steps_is_part_of_the_pace(
    progress: Progress, clock: Clock
) -> None:
    start(progress, FIRST)
    clock.now += 1
    progress.event(FIRST, block(1, EPOCH, seconds=1.0))
    clock.now += 1
    progress.event(FIRST, epoch(1))
    without = 0.01 * (500 + 500)
    # nearly doubled: the older second of steps has faded a little by now
    assert progress.seconds_left() == pytest.approx(2 * without, rel=0.02)


def test_every_arm_has_its_own_pace(progress: Progress, clock: Clock) -> None:
    start(progress, FIRST)
    start(progress, SECOND)
    clock.now += 1
    progress.event(FIRST, block(1, EPOCH, seconds=1.0))
    clock.now += 1
    progress.event(SECOND, block(1, EPOCH, seconds=2.0))
    # none: 400 steps less the second that went by, then 500; batch: 400, then 500
    assert progress.seconds_left() == pytest.approx(0.02 * (400 + 500))


def test_time_left_goes_down_while_nothing_is_reported(
    progress: Progress, clock: Clock
) -> None:
    start(progress, FIRST)
    start(progress, SECOND)
    clock.now += 1
    progress.event(FIRST, block(1, EPOCH, seconds=1.0))
    progress.event(SECOND, block(1, EPOCH, seconds=1.0))
    left: list[float] = []
    for _ in range(3):
        left.append(progress.seconds_left() or 0.0)
        clock.now += 1
    assert all(later == pytest.approx(earlier - 1) for earlier, later in pairwise(left))


def test_time_left_never_falls_below_nothing(progress: Progress, clock: Clock) -> None:
    start(progress, FIRST)
    progress.event(FIRST, block(1, EPOCH, seconds=0.001))
    for key in PLAN[1:]:
        progress.status(key, "done", None)
    clock.now += 3600
    assert progress.seconds_left() == 0


def test_no_time_is_left_when_all_runs_are_settled(
    progress: Progress, clock: Clock
) -> None:
    start(progress, FIRST)
    clock.now += 1
    progress.event(FIRST, block(1, EPOCH, seconds=1.0))
    for key, status in zip(PLAN, ("done", "diverged", "failed", "done"), strict=True):
        progress.status(key, status, None)
    assert progress.seconds_left() == 0
    assert progress.steps_done == progress.steps_total


def test_a_run_that_starts_again_from_its_checkpoint_loses_the_steps_since(
    progress: Progress, clock: Clock
) -> None:
    start(progress, FIRST)
    clock.now += 1
    progress.event(FIRST, block(1, 150, seconds=1.0))
    progress.event(FIRST, epoch(1))
    progress.status(FIRST, "queued", "its worker died")
    clock.now += 50
    start(progress, FIRST)
    progress.event(FIRST, block(101, 10, seconds=0.1))
    assert (progress.runs[FIRST].step, progress.runs[FIRST].epoch) == (110, 1)


def test_the_gap_of_a_lost_worker_is_nobodys_pace(
    progress: Progress, clock: Clock
) -> None:
    start(progress, FIRST)
    clock.now += 1
    progress.event(FIRST, block(1, EPOCH, seconds=1.0))
    before = progress.seconds_left()
    progress.status(FIRST, "queued", "its worker died")
    clock.now += 3600
    assert progress.seconds_left() == pytest.approx(before)


def test_what_an_earlier_session_finished_is_not_done_again(clock: Clock) -> None:
    progress = Progress(clock)
    progress.began(Workload(SPEC, PLAN, {(): EPOCH}, {FIRST: 5, SECOND: 2}))
    assert progress.runs[FIRST].status == "done"
    assert progress.runs[SECOND].step == 2 * EPOCH
    assert progress.steps_done == 7 * EPOCH


def test_accuracy_is_the_last_one_measured(progress: Progress) -> None:
    start(progress, FIRST)
    progress.event(FIRST, InterimEval(step=1, loss=2.3, accuracy=0.1))
    assert progress.runs[FIRST].accuracy == 0.1
    progress.event(FIRST, epoch(1, accuracy=0.96))
    progress.event(FIRST, epoch(2, accuracy=None))
    assert progress.runs[FIRST].accuracy == 0.96


def test_a_loss_that_is_not_finite_is_shown_as_it_is(progress: Progress) -> None:
    start(progress, FIRST)
    progress.event(FIRST, block(1, 10, seconds=0.1, loss=float("nan")))
    loss = progress.runs[FIRST].loss
    assert loss is not None and math.isnan(loss)


def test_the_estimate_covers_all_that_follows_to_the_end(clock: Clock) -> None:
    """Where everything keeps its pace, what is left is what is really left."""
    step, two = 0.01, Execution(workers=2)
    spec = SPEC.model_copy(update={"execution": two})
    maps = Stage(
        name="surfaces", work=dict.fromkeys("abcdef", 100.0), point=(), workers=2
    )
    cost = Stage(name="cost", work={"cost": 50.0}, point=())
    progress = Progress(clock)
    progress.began(Workload(spec, PLAN, {(): EPOCH}, {}, stages=(maps, cost)))
    end = clock.now + step * (2 * 500 + 300 + 50)
    shares = [progress.share]

    def on_time() -> None:
        left = progress.seconds_left()
        assert left == pytest.approx(end - clock.now)
        shares.append(progress.share)

    for pair in (PLAN[:2], PLAN[2:]):
        for key in pair:
            start(progress, key)
        for number in range(1, 6):
            clock.now += EPOCH * step
            first = (number - 1) * EPOCH + 1
            for key in pair:
                progress.event(key, block(first, EPOCH, seconds=EPOCH * step))
            on_time()
        for key in pair:
            progress.status(key, "done", None)
    for stage in (maps, cost):
        progress.stage(stage)
        on_time()
        names = list(stage.work)
        while names:
            clock.now += step * stage.work[names[0]]
            for name in names[: stage.workers]:
                progress.reached(name, 1.0)
            del names[: stage.workers]
            on_time()
    assert progress.seconds_left() == 0 and clock.now == pytest.approx(end)
    assert all(b >= a for a, b in pairwise(shares))
    assert shares[0] == 0 and shares[-1] == 1 and all(s < 1 for s in shares[:-1])


def test_of_a_stage_counts_what_is_really_to_be_done(clock: Clock) -> None:
    planned = Stage(name="surfaces", work={"a": 100.0, "b": 100.0})
    progress = Progress(clock)
    done = dict.fromkeys(PLAN, SPEC.recipe.epochs)
    progress.began(Workload(SPEC, PLAN, {(): EPOCH}, done, stages=(planned,)))
    assert progress.seconds_left() is None and progress.share == 2000 / 2200
    progress.stage(Stage(name="surfaces", work={"b": 100.0}))
    clock.now += 5
    progress.reached("b", 0.5)
    assert progress.seconds_left() == pytest.approx(5)
    assert progress.share == 2050 / 2100
    progress.stage(Stage(name="surfaces", work={}))
    assert progress.stages.text == "" and progress.seconds_left() == 0


def test_silence_takes_every_call(capsys: pytest.CaptureFixture[str]) -> None:
    silent = Silent()
    silent.began(Workload(SPEC, PLAN, {(): EPOCH}, {}))
    silent.event(FIRST, epoch(1))
    silent.status(FIRST, "done", None)
    silent.note("reading mnist")
    silent.ended()
    assert capsys.readouterr() == ("", "")
