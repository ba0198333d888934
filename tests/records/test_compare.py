from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normlab.records.compare import differences, folder_differences
from normlab.records.events import Observed
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.plan import plan
from normlab.spec.settings import with_settings
from tests.records.studies import SPEC, finished

KEY = plan(SPEC)[0]


@pytest.fixture
def record(tmp_path: Path) -> StudyRecord:
    return finished(tmp_path / "study").read()


def with_first_run(record: StudyRecord, **changes: Any) -> StudyRecord:
    first, *others = record.runs
    return replace(record, runs=(replace(first, **changes), *others))


def test_a_study_is_identical_to_itself(record: StudyRecord) -> None:
    assert differences(record, record) == []


MAY_DIFFER: list[Callable[[StudyRecord], StudyRecord]] = [
    lambda r: replace(r, spec=with_settings(r.spec, ["execution.workers=7"])),
    lambda r: replace(r, meta={**r.meta, "created": "then", "cpu": "other"}),
    lambda r: replace(r, measurements={"cost": {"ratio": 9}}),
    lambda r: with_first_run(r, seconds=99.0, step_seconds=99.0, attempts=5),
    lambda r: with_first_run(
        r, epochs=tuple(replace(e, seconds=99.0) for e in r.runs[0].epochs)
    ),
    lambda r: replace(r, runs=r.runs[::-1]),
]


@pytest.mark.parametrize("change", MAY_DIFFER)
def test_seconds_times_host_and_cost_may_differ(
    record: StudyRecord, change: Callable[[StudyRecord], StudyRecord]
) -> None:
    assert differences(record, change(record)) == []


def nudged(run: RunRecord, step: int) -> np.ndarray:
    losses = run.step_losses.copy()
    losses[step - 1 :] = np.nextafter(losses[step - 1 :], np.float32(9))
    return losses


MUST_NOT: list[tuple[Callable[[StudyRecord], StudyRecord], str]] = [
    (
        lambda r: replace(r, spec=with_settings(r.spec, ["recipe.epochs=9"])),
        "recipe.epochs: 3 against 9",
    ),
    (lambda r: replace(r, meta={}), "data_digest: d against None"),
    (lambda r: replace(r, runs=r.runs[1:]), f"{KEY.id}: only in the first study"),
    (
        lambda r: with_first_run(r, step_losses=nudged(r.runs[0], 4)),
        f"{KEY.id}: loss of step 4: ",
    ),
    (
        lambda r: with_first_run(r, step_losses=r.runs[0].step_losses[:-1]),
        f"{KEY.id}: steps: 30 against 29",
    ),
    (lambda r: with_first_run(r, status="failed"), "status 'done' against 'failed'"),
    (lambda r: with_first_run(r, init_digest="?"), "init_digest 'i' against '?'"),
    (lambda r: with_first_run(r, tensor_digests={}), "tensor digest w: 't' against"),
    (lambda r: with_first_run(r, epochs=()), "epochs: 3 against 0"),
    (lambda r: with_first_run(r, glimpses=()), "glimpses: 3 against 0"),
    (
        lambda r: with_first_run(
            r, glimpses=tuple(replace(g, loss=1.0) for g in r.runs[0].glimpses)
        ),
        "glimpse at step 10: loss 0.3 against 1.0",
    ),
    (
        lambda r: with_first_run(
            r, epochs=tuple(replace(e, metrics={}) for e in r.runs[0].epochs)
        ),
        "epoch 1: metric validation_loss: 0.2 against None",
    ),
    (lambda r: with_first_run(r, correct=None), "other test images are classified"),
    (
        lambda r: replace(r, measurements={"sharpness": {}}),
        "measurement sharpness: None against {}",
    ),
]


@pytest.mark.parametrize(("change", "words"), MUST_NOT, ids=[w for _, w in MUST_NOT])
def test_everything_else_must_not(
    record: StudyRecord,
    change: Callable[[StudyRecord], StudyRecord],
    words: str,
) -> None:
    found = differences(record, change(record))
    assert len(found) == 1
    assert words in found[0]


def test_not_a_number_equals_itself(record: StudyRecord) -> None:
    losses = np.full(30, np.nan, dtype=np.float32)
    first = with_first_run(record, step_losses=losses, test_loss=float("nan"))
    second = with_first_run(record, step_losses=losses.copy(), test_loss=float("nan"))
    assert differences(first, second) == []


def test_arrays_count_too(tmp_path: Path) -> None:
    first, second = finished(tmp_path / "first"), finished(tmp_path / "second")
    assert folder_differences(first, second) == []
    with first.write() as writer:
        writer.event(KEY, Observed(probe="path", arrays={"norm": np.ones(2)}))
    found = folder_differences(first, second)
    assert found == [f"{KEY.id}: probes ('path',) against ()"]
    with second.write() as writer:
        writer.event(KEY, Observed(probe="path", arrays={"norm": np.zeros(2)}))
    assert folder_differences(first, second) == [f"{KEY.id}: path: array norm differs"]
