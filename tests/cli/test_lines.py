"""Progress without a terminal, by its text."""

from __future__ import annotations

import pytest

from normlab.records.events import EpochDone
from normlab.spec.plan import plan
from normlab.study.listener import Workload
from normlab.study.stages import Stage
from normlab.terminal.lines import Lines

from .made_up import EPOCH, SPEC, events

KEYS = plan(SPEC)


@pytest.fixture
def lines() -> Lines:
    # a clock that stands still: the steps' own seconds are all that counts
    lines = Lines(clock=lambda: 0.0)
    lines.note("reading mnist")
    lines.began(Workload(SPEC, KEYS, {(): EPOCH}, {}))
    lines.workers = 2
    lines.status(KEYS[0], "running", None)
    return lines


def test_a_run_prints_one_line_per_epoch(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for event in events(KEYS[0]):
        lines.event(KEYS[0], event)
    assert capsys.readouterr().out.splitlines() == [
        "without batch norm seed 0  epoch 1/2  train loss 1.1903  test loss 1.3093  "
        "test accuracy 93.00 %  27 steps/s  left 0:09",
        "without batch norm seed 0  epoch 2/2  train loss 0.2564  test loss 0.2821  "
        "test accuracy 96.00 %  27 steps/s  left 0:09",
    ]


def test_phases_and_the_amount_of_work_are_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines()
    lines.note("reading mnist")
    lines.began(Workload(SPEC, KEYS, {(): EPOCH}, {KEYS[0]: 2}))
    said = capsys.readouterr().out.splitlines()
    assert said == ["reading mnist", f"400 steps left, {lines.workers} runs at a time"]


def test_what_went_wrong_is_said_with_its_reason(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    lines.status(KEYS[0], "failed", "the worker was killed twice")
    lines.status(KEYS[1], "done", None)
    assert capsys.readouterr().out == (
        "without batch norm seed 0  failed: the worker was killed twice\n"
    )


def test_an_epoch_without_a_test_has_no_numbers_for_it(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    lines.event(
        KEYS[0],
        EpochDone(
            epoch=1,
            train_loss=0.5,
            test_loss=None,
            test_accuracy=None,
            seconds=1.0,
            batch_digest="",
        ),
    )
    out = capsys.readouterr().out
    assert out == (
        "without batch norm seed 0  epoch 1/2  train loss 0.5000  test loss -  "
        "test accuracy -  left -\n"
    )


def test_a_reason_that_runs_share_is_said_once(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for key in KEYS[:3]:
        lines.status(key, "failed", "ValueError: no such luck")
    lines.status(KEYS[3], "failed", "something else")
    assert capsys.readouterr().out.splitlines() == [
        "without batch norm seed 0  failed: ValueError: no such luck",
        "with batch norm seed 0  failed",
        "without batch norm seed 1  failed",
        "with batch norm seed 1  failed: something else",
    ]


def test_what_the_data_are_is_printed(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    lines.told("data: mnist: 60,000 train")
    assert capsys.readouterr().out == "data: mnist: 60,000 train\n"


def test_what_follows_training_says_how_far_it_is_and_how_long_all_takes(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in KEYS:
        lines.event(key, events(key)[1])  # 1.5 seconds for 40 steps
        lines.status(key, "done", None)
    capsys.readouterr()
    lines.stage(Stage(name="surfaces", work={"a": 100.0, "b": 300.0}))
    lines.reached("a", 1.0)
    assert capsys.readouterr().out.startswith("surfaces: 1 of 2  left 0:")
