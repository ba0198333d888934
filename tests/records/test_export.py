from __future__ import annotations

import builtins
import csv
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from normlab.errors import BadFolder, BadSetting
from normlab.records.events import Diverged
from normlab.records.export import FORMATS, export, long_table
from normlab.records.rows import StudyRecord
from normlab.spec.plan import plan
from tests.records.studies import SPEC, finish, made

FIRST, SECOND, *_ = plan(SPEC)


@pytest.fixture
def record(tmp_path: Path) -> StudyRecord:
    """One run done, one that diverged in its first epoch, two queued."""
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        finish(writer, FIRST)
        writer.event(SECOND, Diverged(step=4))
    return folder.read()


def test_the_table_has_a_line_per_run_and_epoch(
    record: StudyRecord, tmp_path: Path
) -> None:
    export(record, "csv", tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 3 + 1 + 1 + 1
    assert lines[1]["epoch"] == "2"
    assert float(lines[1]["train_loss"]) == 0.5
    assert float(lines[1]["validation_loss"]) == 0.2
    assert lines[3]["status"] == "diverged"
    assert (lines[3]["diverged_step"], lines[3]["epoch"]) == ("4", "")
    assert [line["status"] for line in lines[4:]] == ["queued", "queued"]


def test_floats_survive_csv_to_the_last_bit(
    record: StudyRecord, tmp_path: Path
) -> None:
    export(record, "csv", tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="") as file:
        losses = [float(line["train_loss"] or "nan") for line in csv.DictReader(file)]
    assert losses[2] == 1 / 3


def test_json_is_the_summary(record: StudyRecord, tmp_path: Path) -> None:
    export(record, "json", tmp_path / "study.json", summary={"schema": 1})
    assert json.loads((tmp_path / "study.json").read_text()) == {"schema": 1}
    with pytest.raises(ValueError, match="json needs the summary"):
        export(record, "json", tmp_path / "other.json")


def test_parquet_holds_the_same_table(record: StudyRecord, tmp_path: Path) -> None:
    parquet = import_module("pyarrow.parquet")
    export(record, "parquet", tmp_path / "runs.parquet")
    table = parquet.read_table(tmp_path / "runs.parquet")
    assert table.to_pydict() == long_table(record)


def test_without_pyarrow_the_extra_is_named(
    record: StudyRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(BadSetting, match=r"pip install 'normlab\[parquet\]'"):
        export(record, "parquet", tmp_path / "runs.parquet")
    assert not (tmp_path / "runs.parquet").exists()


def test_an_unknown_format_is_refused(record: StudyRecord, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"--format=cvs is unknown. Known: csv, json"):
        export(record, "cvs", tmp_path / "x")


def test_a_file_that_cannot_be_written_is_named_and_no_rest_stays(
    record: StudyRecord, tmp_path: Path
) -> None:
    with pytest.raises(BadFolder, match=r"x\.csv: cannot be used \(No such file"):
        export(record, "csv", tmp_path / "none" / "x.csv")
    (tmp_path / "taken").mkdir()
    with pytest.raises(BadFolder, match=r"taken is a folder\. Name a file in it"):
        export(record, "csv", tmp_path / "taken")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["study", "taken"]


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "parquet"])
def test_a_study_without_runs_can_be_exported(form: str, tmp_path: Path) -> None:
    export(StudyRecord(spec=SPEC), form, tmp_path / "x", summary={})
    assert (tmp_path / "x").exists()


def test_a_file_of_another_kind_is_not_replaced(
    record: StudyRecord, tmp_path: Path
) -> None:
    precious = tmp_path / "study.db"
    precious.write_bytes(b"years of work")
    with pytest.raises(BadFolder, match=r"study\.db exists and is no \.csv file"):
        export(record, "csv", precious)
    assert precious.read_bytes() == b"years of work"
