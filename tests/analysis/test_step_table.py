from __future__ import annotations

import math
from dataclasses import replace

import pytest

from normlab.analysis.series.step_table import step_rows, step_table, step_tables
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.plan import RunKey, plan
from tests.analysis.studies import EPOCHS, STEPS
from tests.analysis.sweeps import made, rates_spec, valley

PER_EPOCH = STEPS // EPOCHS
COURSES = {
    ("none", 0.01): (0.90, 0.95),
    ("none", 0.1): (0.80, 0.85),
    ("batch", 0.01): (0.96, 0.97),
    ("batch", 0.1): (0.94, 0.98),
}


def course(key: RunKey) -> RunRecord:
    whole = made(key, valley({"none": 0.01, "batch": 0.1})(key))
    accuracies = COURSES[key.arm, key.rate]
    epochs = tuple(
        replace(row, test_accuracy=accuracy)
        for row, accuracy in zip(whole.epochs, accuracies, strict=True)
    )
    return replace(whole, epochs=epochs)


def record() -> StudyRecord:
    spec = rates_spec(0.01, 0.1, seeds=3)
    return StudyRecord(spec=spec, runs=tuple(map(course, plan(spec))))


def test_the_target_is_the_best_of_the_baseline_at_the_first_rate() -> None:
    rows = {(row.arm, row.rate): row for row in step_rows(record())}
    assert rows["none", 0.01].steps == pytest.approx(2 * PER_EPOCH)
    assert rows["none", 0.01].ratio.mean == 0
    assert rows["batch", 0.01].steps == pytest.approx(PER_EPOCH)
    assert math.exp(rows["batch", 0.01].ratio.mean) == pytest.approx(0.5)
    assert rows["batch", 0.1].steps == pytest.approx(2 * PER_EPOCH)
    assert math.isnan(rows["none", 0.1].steps)
    assert rows["batch", 0.1].maximum == pytest.approx(0.98)


def test_a_first_rate_that_is_not_the_baselines_best_is_the_reference_too() -> None:
    spec = rates_spec(0.1, 0.01, seeds=3)
    whole = StudyRecord(spec=spec, runs=tuple(map(course, plan(spec))))
    rows = {(row.arm, row.rate): row for row in step_rows(whole)}
    # the baseline reaches 85 % at rate 0.1 after two epochs, and 90 % at 0.01 after one
    assert rows["none", 0.1].steps == pytest.approx(2 * PER_EPOCH)
    assert rows["none", 0.01].steps == pytest.approx(PER_EPOCH)
    assert "without batch norm  0.01 (x0.1)" in str(step_table(whole))


def test_rows_are_sorted_by_arm_then_by_rate() -> None:
    rows = step_rows(record())
    assert [(row.arm, row.rate) for row in rows] == list(COURSES)


def test_the_table_has_the_papers_columns() -> None:
    text = str(step_table(record()))
    assert "with batch norm     0.1 (x10)" in text
    assert [line.split()[-3:] for line in text.splitlines() if "0.1 (x10)" in line] == [
        ["-", "85.00", "%"],
        ["1.00", "98.00", "%"],
    ]
    assert "never" in text


def test_studies_of_one_rate_have_no_such_table() -> None:
    assert len(step_tables(record())) == 1
    assert step_tables(StudyRecord(spec=rates_spec(0.01))) == ()


def test_a_target_that_some_seeds_reach_is_said_so() -> None:
    whole = record()
    slow = RunKey("batch", 0.01, 2)
    runs = tuple(
        replace(run, status="diverged") if run.key == slow else run
        for run in whole.runs
    )
    rows = step_rows(replace(whole, runs=runs))
    (row,) = [row for row in rows if (row.arm, row.rate) == ("batch", 0.01)]
    assert (row.reached, row.seeds) == (2, 3)
    assert "200 (2 of 3 seeds)" in str(step_table(replace(whole, runs=runs)))


def test_the_accuracy_of_networks_that_learnt_nothing_is_no_target() -> None:
    whole = record()
    runs = tuple(
        replace(run, status="diverged") if run.key.arm == "none" else run
        for run in whole.runs
    )
    dead = replace(whole, runs=runs)
    assert step_rows(dead) == ()
    assert str(step_table(dead)).replace("\n ", "") == (
        "no steps to a target: no run without batch norm at lr 0.01 trained"
    )


def test_the_table_says_how_fine_its_steps_are() -> None:
    assert f"come in multiples of {PER_EPOCH}" in step_table(record()).caption


def ended_badly(*lost: RunKey) -> StudyRecord:
    whole = record()
    runs = tuple(
        replace(run, status="diverged") if run.key in lost else run
        for run in whole.runs
    )
    return replace(whole, runs=runs)


def test_networks_that_learnt_nothing_have_no_numbers() -> None:
    some = ended_badly(*(RunKey("batch", 0.1, seed) for seed in range(3)))
    (row,) = [r for r in step_rows(some) if (r.arm, r.rate) == ("batch", 0.1)]
    assert row.trained == row.reached == 0
    assert math.isnan(row.maximum)
    lines = str(step_table(some)).splitlines()
    (line,) = [one for one in lines if "did not train" in one]
    assert line.split()[-5:] == ["did", "not", "train", "-", "-"]


def test_the_maximum_is_of_those_that_trained_and_says_how_many() -> None:
    text = str(step_table(ended_badly(RunKey("batch", 0.01, 2))))
    assert "97.00 % (2 trained)" in text
