"""Progress on a terminal: what is in sight."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from normlab.spec.plan import plan
from normlab.spec.recipe import Recipe
from normlab.study.progress import Workload
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
    assert head == "run               epoch     loss  accuracy  steps/s  status"
    assert first == "none seed 0         2/2   1.1903   93.00 %       27  running"
    assert second == "batch seed 0        0/2        -         -           queued"
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
    assert seen(live)[1].startswith("none lr 0.01 seed 0 ")


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
