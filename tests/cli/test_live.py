"""Progress on a terminal: what is in sight."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from normlab.records.rows import EpochRow
from normlab.spec.plan import plan
from normlab.spec.recipe import Recipe
from normlab.spec.study import StudySpec
from normlab.study.listener import Workload
from normlab.study.stages import Stage
from normlab.terminal.live import LiveProgress

from .made_up import EPOCH, SPEC, events

KEYS = plan(SPEC)


def terminal(height: int = 24) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system=None,
        width=79,
        height=height,
    )


def seen(live: LiveProgress) -> list[str]:
    """The lines of one picture, without the codes that move the cursor."""
    page = Console(file=io.StringIO(), color_system=None, width=79)
    page.print(live.picture())
    assert isinstance(page.file, io.StringIO)
    return [line.rstrip() for line in page.file.getvalue().splitlines()]


@pytest.fixture
def live() -> Iterator[LiveProgress]:
    live = LiveProgress(terminal())
    yield live
    live.ended()


def test_the_phase_is_seen_before_training_begins(live: LiveProgress) -> None:
    live.note("reading mnist")
    assert seen(live) == ["reading mnist"]


def test_every_run_has_a_line_and_all_together_one(live: LiveProgress) -> None:
    live.began(Workload(SPEC, KEYS, {(): EPOCH}, {}))
    live.status(KEYS[0], "running", None)
    for event in events(KEYS[0])[:4]:
        live.event(KEYS[0], event)
    head, first, second, *_, overall, _ = seen(live)
    assert head.split() == ["run", "epoch", "loss", "accuracy", "steps/s", "status"]
    assert first == (
        "without batch norm seed 0    1/2   1.1903   93.00 %       27  running"
    )
    assert second == (
        "with batch norm seed 0       0/2        -         -           queued"
    )
    assert overall.startswith("0 of 6 runs  ") and overall.endswith(" left")
    assert "  8 %  0:00 gone  " in overall


def test_the_bar_stays_in_sight_on_a_small_terminal() -> None:
    live = LiveProgress(terminal(height=7))
    live.began(Workload(SPEC, KEYS, {(): EPOCH}, {}))
    live.status(KEYS[0], "done", None)
    live.status(KEYS[4], "running", None)
    lines = seen(live)
    live.ended()
    assert len(lines) < 7
    assert any("running" in line for line in lines)
    assert not any("done" in line for line in lines)
    assert "1 of 6 runs" in lines[-2]


def test_the_rate_is_part_of_the_name_where_several_run(live: LiveProgress) -> None:
    spec = SPEC.model_copy(update={"recipe": Recipe(epochs=2, rates=(0.01, 0.1))})
    live.began(Workload(spec, plan(spec), {(): EPOCH}, {}))
    assert seen(live)[1].startswith("without batch norm lr 0.01 seed 0 ")


def test_an_epoch_counts_once_it_is_done_and_a_glimpse_is_marked(
    live: LiveProgress,
) -> None:
    live.began(Workload(SPEC, KEYS, {(): EPOCH}, {}))
    live.status(KEYS[0], "running", None)
    for event in events(KEYS[0])[:3]:
        live.event(KEYS[0], event)
    _, first, *_, below = seen(live)
    assert first.split()[5:6] == ["0/2"] and "~92.00 %" in first
    assert below == "~ on a slice of the test images"


def test_what_an_earlier_session_found_is_still_shown(live: LiveProgress) -> None:
    row = EpochRow(
        epoch=2, train_loss=0.25, test_loss=0.3, test_accuracy=0.9, seconds=1.0
    )
    live.began(Workload(SPEC, KEYS, {(): EPOCH}, {KEYS[0]: 2}, {KEYS[0]: row}))
    line = seen(live)[1]
    assert "2/2" in line and "0.2500" in line and "90.00 %" in line


def test_what_follows_training_is_said_before_it_begins(live: LiveProgress) -> None:
    maps = Stage(name="surfaces", work={"a": 100.0, "b": 20.0})
    cost = Stage(name="what a step costs", work={"cost": 40.0})
    live.began(Workload(SPEC, KEYS, {(): EPOCH}, {}, stages=(maps, cost)))
    assert seen(live)[-1] == "then surfaces, what a step costs"
    live.status(KEYS[0], "running", None)
    for event in events(KEYS[0])[:2]:
        live.event(KEYS[0], event)
    # 1.5 seconds for 40 steps
    assert seen(live)[-1] == "then surfaces 0:04, what a step costs 0:02"
    for key in KEYS:
        live.status(key, "done", None)
    live.note("measuring 2 surfaces")
    live.stage(maps)
    live.reached("a", 1.0)
    *_, overall, below = seen(live)
    assert below == "surfaces: 1 of 2; then what a step costs 0:02"
    assert "6 of 6 runs" in overall and overall.endswith(" left")
    live.stage(cost)
    live.reached("cost", 0.25)
    assert seen(live)[-1] == "what a step costs: 25 %"
    live.reached("cost", 1.0)
    assert "  100 %  " in seen(live)[-2]


def test_runs_of_a_sweep_of_two_keys_fit_a_terminal(
    live: LiveProgress,
) -> None:
    swept = {"recipe.batch_size": [16, 64], "recipe.weight_decay": [0, 0.1]}
    spec = StudySpec(**{**SPEC.model_dump(by_alias=True), "sweep": swept})
    keys = plan(spec)
    steps = dict.fromkeys(spec.sweep.points, EPOCH)
    live.began(Workload(spec, keys, steps, {}))
    assert seen(live)[1].endswith("queued")


def test_a_reason_stays_above_the_table() -> None:
    console = terminal()
    live = LiveProgress(console)
    live.began(Workload(SPEC, KEYS, {(): EPOCH}, {}))
    live.status(KEYS[0], "failed", "out of memory")
    live.ended()
    assert isinstance(console.file, io.StringIO)
    assert "none-lr0.01-seed0: failed: out of memory" in console.file.getvalue()


def test_ending_twice_does_no_harm(live: LiveProgress) -> None:
    live.ended()
    live.ended()


def test_what_the_data_are_stays_above_the_table() -> None:
    console = terminal()
    live = LiveProgress(console)
    live.told("data: [red]: 5 train, 1 test")  # no markup of rich's
    live.ended()
    assert isinstance(console.file, io.StringIO)
    assert "data: [red]: 5 train, 1 test" in console.file.getvalue()
