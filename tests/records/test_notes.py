"""What is noted of runs is kept, once each, and shown wherever a study is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from normlab.analysis.result import Result
from normlab.cli.account import account
from normlab.records.events import Noted
from normlab.records.folder import StudyFolder
from normlab.report.limits import limits
from normlab.spec.plan import plan
from tests.records.studies import SPEC, finish, made, reported

KEYS = plan(SPEC)
TEXT = "probe 'path' failed and left no record (ValueError: <no>)"


def noted(path: Path) -> StudyFolder:
    folder = made(path)
    with folder.write() as writer:
        for key in KEYS:
            finish(writer, key)
        for _ in range(2):  # every event may come again
            writer.event(KEYS[0], Noted(text=TEXT))
            writer.event(KEYS[1], Noted(text=TEXT))
        writer.event(KEYS[1], Noted(text="and this"))
    return folder


def test_notes_are_read_back(tmp_path: Path) -> None:
    record = noted(tmp_path / "s").read()
    assert [run.notes for run in record.runs] == [(TEXT,), ("and this", TEXT), (), ()]
    ids = tuple(key.id for key in KEYS[:2])
    assert record.notes == {TEXT: ids, "and this": ids[1:]}


def test_every_account_shows_them(tmp_path: Path) -> None:
    result = Result.open(noted(tmp_path / "s").path)
    line = f"{TEXT}: 2 runs ({KEYS[0].id}, {KEYS[1].id})"
    assert f"Note: {line}" in str(result)
    assert f"NOTE: {line}." in " ".join(account(result, tmp_path / "s").split())
    assert f"Noted: {line}." in limits(result)
    assert result.to_json()["study"]["notes"][TEXT] == [key.id for key in KEYS[:2]]
    assert "&lt;no&gt;" in result._repr_html_()


def test_a_run_that_begins_anew_has_none(tmp_path: Path) -> None:
    folder = noted(tmp_path / "s")
    with folder.write() as writer:
        writer.rewind(KEYS[0], 0)
        writer.rewind(KEYS[1], 2)
    runs = folder.read().runs
    assert (runs[0].notes, runs[1].notes) == ((), ("and this", TEXT))


def test_a_study_of_an_earlier_version_has_none_and_may_get_some(
    tmp_path: Path,
) -> None:
    folder = made(tmp_path / "s")
    with closing(sqlite3.connect(folder.path / "study.db")) as database:
        database.execute("DROP TABLE notes")
        database.commit()
    assert StudyFolder.open(folder.path).read().notes == {}
    with folder.write() as writer:
        for event in (*reported(KEYS[0]), Noted(text=TEXT)):
            writer.event(KEYS[0], event)
    assert folder.read().notes == {TEXT: (KEYS[0].id,)}
