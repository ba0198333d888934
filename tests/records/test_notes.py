"""What is noted of runs is kept, once each, and shown wherever a study is."""

from __future__ import annotations

from pathlib import Path

from normlab.facade.result import Result
from normlab.records.events import Noted
from normlab.records.folder import StudyFolder
from normlab.report.limits import limits
from normlab.spec.plan import plan
from normlab.terminal.summary_text import summary_text
from tests.records.studies import SPEC, finish, made

KEYS = plan(SPEC)
IDS = tuple(sorted(key.id for key in KEYS[:2]))
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
    assert record.notes == {TEXT: IDS, "and this": (KEYS[1].id,)}


def test_every_account_shows_them(tmp_path: Path) -> None:
    result = Result.open(noted(tmp_path / "s").path)
    line = f"{TEXT}: 2 runs ({', '.join(IDS)})"
    assert f"Note: {line}" in str(result)
    assert f"NOTE: {line}." in " ".join(summary_text(result, tmp_path / "s").split())
    assert f"Noted: {line}." in limits(result)
    assert result.to_json()["study"]["notes"][TEXT] == list(IDS)
    assert "&lt;no&gt;" in result._repr_html_()


def test_a_run_that_begins_anew_has_none(tmp_path: Path) -> None:
    folder = noted(tmp_path / "s")
    with folder.write() as writer:
        writer.rewind(KEYS[0], 0)
        writer.rewind(KEYS[1], 2)
    left = (KEYS[1].id,)
    assert folder.read().notes == {TEXT: left, "and this": left}
    with folder.write() as writer:
        writer.rewind(KEYS[1], 0)
    assert folder.read().notes == {}


def test_notes_in_one_row_as_an_earlier_version_kept_them(tmp_path: Path) -> None:
    folder = made(tmp_path / "s")
    with folder.write() as writer:
        writer.measurement("notes", {TEXT: " ".join(IDS), "and this": IDS[0]})
        writer.event(KEYS[1], Noted(text="a third"))
    old = {TEXT: IDS, "and this": IDS[:1], "a third": (KEYS[1].id,)}
    assert folder.read().notes == old
    with folder.write() as writer:
        writer.rewind(KEYS[0], 0)
    left = {text: tuple(set(ids) - {KEYS[0].id}) for text, ids in old.items()}
    assert folder.read().notes == {text: ids for text, ids in left.items() if ids}
