from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from normlab.errors import BadFolder, BadSetting
from normlab.records import _database, _rows
from normlab.records.compare import differences
from normlab.records.folder import StudyFolder
from normlab.records.found import find_studies
from normlab.spec.plan import RunKey, plan
from tests.records.studies import SPEC, finish, finished, made, new_study

KEY = plan(SPEC)[0]
ROOT = Path(__file__).parents[2]


def contents(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def test_a_finished_study_is_plain_files(tmp_path: Path) -> None:
    folder = finished(tmp_path / "deep" / "study")
    assert contents(folder.path) == [".lock", "arrays", "study.db", "study.toml"]
    assert (folder.path / "study.db").read_bytes()[18:20] == b"\1\1"  # no WAL


def test_a_study_is_opened_as_it_was_made(tmp_path: Path) -> None:
    made(tmp_path / "study #1? ä")
    folder = StudyFolder.open(tmp_path / "study #1? ä")
    assert folder.spec == SPEC
    assert tuple(run.key for run in folder.read().runs) == plan(SPEC)


def test_a_study_can_be_made_in_an_empty_folder(tmp_path: Path) -> None:
    assert made(tmp_path).read().spec == SPEC


def test_it_is_read_while_it_is_conducted(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    assert not folder.in_use
    with folder.write() as writer:
        assert folder.in_use
        writer.status(KEY, "running")
        assert "study.db-wal" in contents(folder.path)
        assert StudyFolder.open(folder.path).read().runs[0].status == "running"
        assert folder.statuses() == {"queued": 3, "running": 1}
    assert not folder.in_use


def test_a_run_nobody_conducts_was_interrupted(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        writer.status(KEY, "running")
    assert folder.read().runs[0].status == "interrupted"
    assert folder.statuses() == {"queued": 3, "interrupted": 1}
    with folder.write():
        assert folder.read().runs[0].status == "interrupted"


def test_a_second_conductor_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with (
        folder.write(),
        pytest.raises(
            BadFolder, match=rf"in use by another normlab \(process {os.getpid()}\)"
        ),
        folder.write(),
    ):
        pass
    with folder.write(), pytest.raises(BadFolder, match="study: in use by another"):
        new_study(folder.path, SPEC)
    with folder.write() as writer:
        finish(writer, KEY)


KILLED = """
import os, signal, sys
from pathlib import Path
from normlab.records.folder import StudyFolder
from normlab.spec.plan import plan
from tests.records.studies import finish
folder = StudyFolder.open(Path(sys.argv[1]))
with folder.write() as writer:
    finish(writer, plan(folder.spec)[0])
    writer.status(plan(folder.spec)[1], "running")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_everything_is_there_after_the_conductor_was_killed(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder.path)], cwd=ROOT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert "study.db-wal" in contents(folder.path)
    done, stopped, *_ = StudyFolder.open(folder.path).read().runs
    assert (done.status, stopped.status) == ("done", "interrupted")
    with folder.write():
        pass
    assert contents(folder.path) == [".lock", "arrays", "study.db", "study.toml"]
    assert folder.read().runs[0].status == "done"


def test_a_reader_at_the_end_keeps_the_log_and_is_not_disturbed(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        finish(writer, KEY)
        reader = _database.to_read(folder.path)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM runs").fetchone()
    assert reader.execute("SELECT COUNT(*) FROM epochs").fetchone() == (3,)
    reader.close()
    assert folder.read().runs[0].status == "done"
    with folder.write():
        pass
    assert contents(folder.path) == [".lock", "arrays", "study.db", "study.toml"]


def test_an_interruption_is_a_clean_end(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with suppress(KeyboardInterrupt), folder.write() as writer:
        finish(writer, KEY)
        raise KeyboardInterrupt
    assert folder.read().runs[0].status == "done"
    assert contents(folder.path) == [".lock", "arrays", "study.db", "study.toml"]


def test_on_a_remote_file_system_there_is_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_database, "is_remote", lambda _: True)
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        finish(writer, KEY)
        assert "study.db-wal" not in contents(folder.path)
        assert folder.read().runs[0].status == "done"


def test_the_file_system_of_a_folder_is_that_of_its_nearest_mount(
    tmp_path: Path,
) -> None:
    mounts = tmp_path / "mounts"
    here = str(tmp_path).replace(" ", "\\040")
    mounts.write_text(
        f"/dev/sda / ext4 rw 0 0\nserver:/x {here}/far nfs4 rw 0 0\n"
        f"/dev/sdb {here}/far/near ext4 rw 0 0\n"
    )
    assert not _database.is_remote(tmp_path, mounts)
    assert _database.is_remote(tmp_path / "far" / "study", mounts)
    assert not _database.is_remote(tmp_path / "far" / "near" / "study", mounts)
    assert not _database.is_remote(tmp_path, tmp_path / "none")


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda path: path.write_text(""), "is a file, not a folder. Choose another"),
        (lambda path: finished(path), "is not empty. Choose another folder, or go on"),
        (
            lambda path: (path.mkdir(), (path / ".hidden").touch()),
            "is not empty. Choose another folder.",
        ),
    ],
)
def test_a_taken_folder_is_refused(tmp_path: Path, prepare: object, words: str) -> None:
    prepare(tmp_path / "study")  # type: ignore[operator]
    with pytest.raises(BadFolder) as caught:
        new_study(tmp_path / "study", SPEC)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadFolder, match=r"cannot be used \(Not a directory\)"):
        new_study(tmp_path / "file" / "study", SPEC)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, r"cannot be used \(Permission denied\). Check its perm"),
        (errno.EROFS, r"cannot be used \(Read-only file system\)"),
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EDQUOT, "the disk is full. Free some space"),
    ],
)
@pytest.mark.parametrize("existed", [True, False])
@pytest.mark.parametrize(
    ("home", "write"),
    [(Path, "mkdir"), (sqlite3, "connect"), (os, "fsync"), (os, "replace")],
)
def test_a_folder_that_cannot_be_written_is_left_as_it_was(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    words: str,
    existed: bool,
    home: object,
    write: str,
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    study = tmp_path / "new" / "study"
    if existed:
        study.mkdir(parents=True)
    with monkeypatch.context() as patched:
        patched.setattr(home, write, fail)
        with pytest.raises(BadFolder, match=words):
            new_study(study, SPEC)
    assert list(tmp_path.rglob("*")) == ([study.parent, study] if existed else [])


def test_a_folder_whose_log_finds_no_room_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(_database, "to_write", full)
    with pytest.raises(BadFolder, match="the disk is full"):
        new_study(tmp_path / "study", SPEC)
    assert contents(tmp_path) == []


def test_what_others_put_into_a_folder_meanwhile_stays(tmp_path: Path) -> None:
    study = tmp_path / "new" / "study"
    with suppress(KeyboardInterrupt), StudyFolder.begin(study, SPEC):
        (tmp_path / "new" / "theirs").touch()
        raise KeyboardInterrupt
    assert contents(tmp_path / "new") == ["theirs"]


@pytest.mark.parametrize("started", [False, True])
def test_a_study_is_kept_from_its_first_run_on(tmp_path: Path, started: bool) -> None:
    path = tmp_path / "study"
    with suppress(KeyboardInterrupt), StudyFolder.begin(path, SPEC) as folder:
        with folder.write() as writer:
            writer.add_runs(plan(SPEC))
            if started:
                writer.status(KEY, "running")
        raise KeyboardInterrupt
    assert path.exists() == started
    assert not started or StudyFolder.open(path).read().runs[0].key == KEY


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Root may write anywhere, so it becomes nobody for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    words = r"study: cannot be used \(Permission denied\)"
    with as_somebody_else(), pytest.raises(BadFolder, match=words):
        StudyFolder.refuse_taken(tmp_path / "new" / "study")


def test_a_study_without_permission_is_not_gone_on_with(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    folder.refuse_busy()
    folder.path.chmod(0o500)
    words = r"study: cannot be used \(Permission denied\)"
    with as_somebody_else(), pytest.raises(BadFolder, match=words):
        folder.refuse_busy()


def test_asking_whether_a_folder_is_taken_writes_nothing(tmp_path: Path) -> None:
    StudyFolder.refuse_taken(tmp_path / "new" / "study")
    StudyFolder.refuse_taken(tmp_path)
    assert contents(tmp_path) == []


def test_what_is_no_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFolder, match=r"none: does not exist. `normlab list` shows"):
        StudyFolder.open(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(BadFolder, match="file: is not a folder"):
        StudyFolder.open(tmp_path / "file")
    (tmp_path / "study.toml").touch()
    with pytest.raises(BadFolder, match=r"is no study folder \(study.db is missing\)"):
        StudyFolder.open(tmp_path)


@pytest.mark.parametrize("version", [0, 3, 99])
@pytest.mark.parametrize(
    "place",
    ["PRAGMA user_version = {}", "UPDATE meta SET value = '{}' WHERE key = 'schema'"],
)
def test_an_unknown_schema_is_refused(tmp_path: Path, place: str, version: int) -> None:
    folder = made(tmp_path / "study")
    with closing(sqlite3.connect(folder.path / "study.db")) as connection, connection:
        connection.execute(place.format(version))
    words = f"study.db has schema {version}, and this normlab reads schema 1 and 2."
    with pytest.raises(BadFolder, match=words):
        StudyFolder.open(folder.path)
    with pytest.raises(BadFolder, match=words):
        folder.read()
    with pytest.raises(BadFolder, match=words), folder.write():
        pass


def test_a_study_of_schema_1_is_read_and_gone_on_with(tmp_path: Path) -> None:
    folder = finished(tmp_path / "study")
    before = folder.read()
    _to_schema_1(folder.path / "study.db")
    old = StudyFolder.open(folder.path)
    assert differences(old.read(), before) == []
    refined = RunKey("none", 0.0123, 0)
    with old.write() as writer:
        writer.add_runs([*plan(SPEC), refined])
        finish(writer, refined)
    again = old.read()
    assert [run.key for run in again.runs] == [*plan(SPEC), refined]
    assert {run.status for run in again.runs} == {"done"}
    assert again.meta["schema"] == "2"


def _to_schema_1(path: Path) -> None:
    """As it was before runs had points."""
    old = _database.TABLES.replace(", point TEXT NOT NULL DEFAULT '[]'", "")
    old = old.replace("seed, point)", "seed)")
    path.rename(path.with_name("newer"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(old)
        connection.execute("ATTACH ? AS newer", (str(path.with_name("newer")),))
        for table in _rows.TABLES:
            columns = connection.execute(f"PRAGMA main.table_info({table})").fetchall()
            names = ", ".join(column[1] for column in columns)
            connection.execute(
                f"INSERT INTO main.{table} SELECT {names} FROM newer.{table}"
            )
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")
        connection.execute("PRAGMA user_version = 1")
    path.with_name("newer").unlink()


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    folder = finished(tmp_path / "study")
    (folder.path / "study.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(BadFolder, match=r"study.db is damaged or no study"):
        StudyFolder.open(folder.path)
    with pytest.raises(BadFolder, match=r"study.db is damaged"), folder.write():
        pass


def test_a_truncated_database_is_refused(tmp_path: Path) -> None:
    folder = finished(tmp_path / "study")
    file = folder.path / "study.db"
    file.write_bytes(file.read_bytes()[:6000])
    with pytest.raises(BadFolder, match=r"study.db is damaged"):
        StudyFolder.open(folder.path).read()


def test_settings_changed_after_the_study_began_are_refused(tmp_path: Path) -> None:
    folder = finished(tmp_path / "study")
    settings = folder.path / "study.toml"
    text = settings.read_text()
    settings.write_text(text.replace("epochs = 3", "epochs = 4"))
    words = r"was changed after the study began \(recipe.epochs: 3 against 4\). Put it"
    with pytest.raises(BadFolder, match=words):
        StudyFolder.open(folder.path)
    settings.write_text(text.replace('workers = "auto"', "workers = 1"))
    assert StudyFolder.open(folder.path).spec.execution.workers == 1
    settings.write_text("epochs = [")
    with pytest.raises(BadSetting, match=r"study\.toml: not valid TOML"):
        StudyFolder.open(folder.path)


def test_studies_are_found_below_a_folder(tmp_path: Path) -> None:
    finished(tmp_path / "b" / "one")
    made(tmp_path / "a")
    broken = made(tmp_path / "broken")
    (broken.path / "study.db").write_bytes(b"?" * 4096)
    (tmp_path / ".hidden").mkdir()
    made(tmp_path / ".hidden" / "study")
    found = find_studies(tmp_path)
    assert [study.path for study in found] == [
        tmp_path / "a",
        tmp_path / "b" / "one",
        tmp_path / "broken",
    ]
    queued, done, bad = found
    assert queued.spec == SPEC
    assert queued.statuses == {"queued": 4}
    assert (done.statuses, done.in_use, done.trouble) == ({"done": 4}, False, None)
    assert done.created
    assert bad.trouble is not None
    assert "is damaged" in bad.trouble


def test_a_study_folder_itself_is_found(tmp_path: Path) -> None:
    made(tmp_path / "study")
    assert [study.path for study in find_studies(tmp_path / "study")] == [
        tmp_path / "study"
    ]
    with pytest.raises(BadFolder, match=r"is not a folder\. Give one"):
        find_studies(tmp_path / "none")
