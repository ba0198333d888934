"""The tables of a study: a row for each claim, run, epoch and step, and no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from normlab.analysis.result import StudyResult
from normlab.analysis.text import tables
from normlab.analysis.text.tables import columns
from normlab.errors import BadSetting
from normlab.records.events import Diverged
from normlab.spec.plan import plan
from tests.analysis.studies import EPOCHS, STEPS, accuracy_study
from tests.records.studies import SPEC, finish, made
from tests.records.test_points import swept

FIRST, SECOND, *_ = plan(SPEC)
WHOLE = StudyResult(accuracy_study([0.010, 0.011, 0.012, 0.011]))


@pytest.fixture
def begun(tmp_path: Path) -> StudyResult:
    """One run done, one that diverged in its first epoch, two queued."""
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        finish(writer, FIRST)
        writer.event(SECOND, Diverged(step=4))
    return StudyResult(folder.read())


def test_epochs_have_a_row_per_run_and_epoch(begun: StudyResult) -> None:
    table = columns(begun, "epochs")
    assert {len(cells) for cells in table.values()} == {3 + 1 + 1 + 1}
    assert table["epoch"][:4] == [1, 2, 3, None]
    assert table["train_loss"][1] == 0.5
    assert table["validation_loss"][1] == 0.2
    assert (table["status"][3], table["diverged_step"][3]) == ("diverged", 4)
    assert table["status"][4:] == ["queued", "queued"]


def test_runs_have_a_row_each(begun: StudyResult) -> None:
    table = columns(begun, "runs")
    assert table["status"] == ["done", "diverged", "queued", "queued"]
    assert table["trained"][1:] == [False, None, None]
    assert list(table)[:3] == ["arm", "rate", "seed"]


def test_steps_are_the_losses_of_every_batch() -> None:
    table = columns(WHOLE, "steps")
    runs = WHOLE.record.runs
    assert len(table["loss"]) == STEPS * len(runs)
    assert table["step"][:2] == [1, 2]
    np.testing.assert_array_equal(table["loss"][:STEPS], runs[0].step_losses)
    assert table["seed"][-1] == runs[-1].key.seed


def test_too_many_steps_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST", STEPS * len(WHOLE.record.runs) - 1)
    with pytest.raises(BadSetting, match=r"would have 3,200 rows; 3,199 at most"):
        columns(WHOLE, "steps")


def test_claims_have_what_a_paper_prints() -> None:
    table = columns(WHOLE, "claims")
    at = table["claim"].index("better-accuracy")
    row = {name: cells[at] for name, cells in table.items()}
    assert row["estimate"] == pytest.approx(0.011)
    assert row["low"] < row["estimate"] < row["high"]
    assert (row["wins"], row["seeds"], row["verdict"]) == (4, 4, "supported")
    assert row["statement"].endswith("with batch norm than without")


def test_a_swept_key_is_a_column_of_its_own(tmp_path: Path) -> None:
    table = columns(StudyResult(swept(tmp_path / "study").read()), "epochs")
    assert set(table["recipe.batch_size"]) == {2, 8}
    assert set(table["recipe.decay_norms"]) == {True, False}


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"--table=claim is unknown.*'claims'"):
        columns(WHOLE, "claim")


def test_the_epochs_of_a_whole_study_are_all_there() -> None:
    assert len(columns(WHOLE, "epochs")["epoch"]) == EPOCHS * len(WHOLE.record.runs)
