"""A study.db that was cut off in the middle of a write is mended, or told about."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from normlab.errors import BadFolder
from normlab.records import _arrays
from normlab.records.folder import StudyFolder
from normlab.records.surface import packed
from normlab.spec.plan import plan
from tests.records.studies import SPEC, finish, finished, made
from tests.records.test_folder import as_somebody_else
from tests.records.test_surface import whole
from tests.resilience.law import Law, contents


def cut_off(path: Path) -> Path:
    """A study as it lies there when its writer is killed between two pages."""
    study = finished(path.with_name("before"))
    with closing(sqlite3.connect(study.path / "study.db")) as writing:
        writing.execute("PRAGMA cache_size = 1")  # so that pages are written at once
        writing.execute("BEGIN IMMEDIATE")
        writing.execute("UPDATE steps SET losses = zeroblob(length(losses))")
        writing.execute("UPDATE epochs SET metrics = hex(zeroblob(3000))")
        shutil.copytree(study.path, path)
        writing.execute("ROLLBACK")
    assert (path / "study.db-journal").stat().st_size > 512
    return path


def test_readers_undo_what_was_not_finished(law: Law, tmp_path: Path) -> None:
    for number, words in enumerate(
        (["show"], ["list"], ["export", "--format", "json"])
    ):
        path = cut_off(tmp_path / str(number) / "study")
        output = ["-o", "-"] if words[0] == "export" else []
        told = law.holds(words[0], path, *words[1:], *output)
        assert told.code == 0
        assert "study: cannot be read" not in told.out
        statuses = StudyFolder.open(path).statuses()
        assert statuses == {"done": 4}
        assert not (path / "study.db-journal").exists()


def test_so_does_who_goes_on(tmp_path: Path) -> None:
    path = cut_off(tmp_path / "study")
    with StudyFolder.open(path).write():
        pass
    record = StudyFolder.open(path).read()
    assert {run.status for run in record.runs} == {"done"}
    assert all(run.step_losses.all() for run in record.runs)


def test_who_may_not_write_is_told_what_is_the_matter(tmp_path: Path) -> None:
    path = cut_off(tmp_path / "study")
    for place in path.parents:  # somebody else may look into them
        if place.stat().st_uid == os.getuid() and not place.stat().st_mode & 0o001:
            place.chmod(0o755)
    before = contents(path)
    path.chmod(0o555)
    (path / "study.db").chmod(0o444)
    words = "left in the middle of a write, and whoever may not write"
    with as_somebody_else(), pytest.raises(BadFolder, match=words):
        StudyFolder.open(path)
    path.chmod(0o755)
    assert contents(path) == before


def test_a_journal_that_names_another_file_deletes_nothing(
    law: Law, tmp_path: Path
) -> None:
    """SQLite deletes what such a journal calls its superior, wherever it lies."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"years of work\0")
    path = cut_off(tmp_path / "study")
    name = os.fsencode(precious)
    end = struct.pack(">II", len(name), sum(name)) + bytes.fromhex("d9d505f920a163d7")
    with (path / "study.db-journal").open("ab") as journal:
        journal.write(struct.pack(">I", 0x40000000 // 4096 + 1) + name + end)
    assert "its journal leads out of the folder" in law.refuses("show", path)
    with pytest.raises(BadFolder), StudyFolder.open(path).write():
        pass
    assert precious.read_bytes() == b"years of work\0"


@pytest.mark.parametrize("how", ["moved", "deleted", "replaced"])
def test_a_study_that_is_moved_while_it_runs_stops_at_the_end_of_an_epoch(
    tmp_path: Path, how: str
) -> None:
    folder = made(tmp_path / "study")

    def conduct() -> None:
        with folder.write() as writer:
            finish(writer, plan(SPEC)[0])
            if how == "deleted":
                shutil.rmtree(folder.path)
            else:
                folder.path.rename(tmp_path / "elsewhere")
            if how == "replaced":
                shutil.copytree(tmp_path / "elsewhere", folder.path)
            finish(writer, plan(SPEC)[1])

    with pytest.raises(BadFolder, match="was moved, deleted or replaced while"):
        conduct()
    if how == "moved":
        assert not folder.path.exists()
        moved = StudyFolder.open(tmp_path / "elsewhere").read()
        assert moved.runs[0].status == "done"


def test_the_place_of_a_study_that_was_moved_is_not_made_again(tmp_path: Path) -> None:
    folder = finished(tmp_path / "study")
    folder.path.rename(tmp_path / "elsewhere")

    for place in ("arrays/surfaces/x.npz", "checkpoints/surfaces/x.npz"):
        with pytest.raises(FileNotFoundError):
            _arrays.write(folder.path / place, packed(whole()))
    assert not folder.path.exists()
