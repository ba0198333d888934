"""A study folder: study.toml, study.db and arrays/."""

from __future__ import annotations

import shutil
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from normlab.errors import BadFolder
from normlab.records import _arrays, _database, _lock, _read
from normlab.records._trouble import reporting
from normlab.records.rows import StudyRecord
from normlab.records.writer import Writer
from normlab.spec import toml

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from normlab.spec.study import StudySpec

SETTINGS = "study.toml"


class StudyFolder:
    """Where one study is kept; come by it through `create` or `open`."""

    def __init__(self, path: Path, spec: StudySpec) -> None:
        self._path = path
        self._spec = spec

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    @property
    def spec(self) -> StudySpec:
        """What study.toml says."""
        return self._spec

    @classmethod
    def create(
        cls, path: Path, spec: StudySpec, meta: Mapping[str, str] | None = None
    ) -> StudyFolder:
        """Make a new study folder; whatever fails, nothing is left behind.

        Args:
            path: A folder that is empty or does not exist yet.
            spec: What is written to study.toml.
            meta: Facts about the study; `created` is added.

        Raises:
            BadFolder: If the folder holds something, is in use, is no folder,
                cannot be written, or the disk is full.
        """
        _refuse_taken(path)
        existed = path.exists()
        with reporting(path):
            path.mkdir(parents=True, exist_ok=True)
        try:
            with _lock.locked(path), reporting(path):
                _fill(path, spec, meta or {})
        except BaseException:
            _undo(path, existed=existed)
            raise
        return cls(path, spec)

    @classmethod
    def open(cls, path: Path) -> StudyFolder:
        """Open an existing study folder.

        Raises:
            BadFolder: If it is missing, no study, of an unknown schema or damaged.
            BadSetting: If its study.toml cannot be read.
        """
        if not path.is_dir():
            what = "is not a folder" if path.exists() else "does not exist"
            raise BadFolder(f"{path}: {what}. `normlab list` shows the studies here.")
        for name in (SETTINGS, _database.DATABASE):
            if not (path / name).is_file():
                raise BadFolder(
                    f"{path}: is no study folder ({name} is missing). "
                    "`normlab list` shows the studies here."
                )
        with reporting(path):
            _database.to_read(path).close()
        return cls(path, toml.load(path / SETTINGS))

    @property
    def in_use(self) -> bool:
        """Whether a process conducts this study right now."""
        return _lock.in_use(self._path)

    def read(self) -> StudyRecord:
        """Everything known at this moment, also while the study is conducted."""
        conducted = self.in_use
        with self._reading() as connection:
            return StudyRecord(
                spec=self._spec,
                meta=_read.meta(connection),
                measurements=_read.measurements(connection),
                runs=_read.runs(connection, conducted=conducted),
            )

    def meta(self) -> dict[str, str]:
        """The facts about the study alone."""
        with self._reading() as connection:
            return _read.meta(connection)

    def statuses(self) -> dict[str, int]:
        """How many runs stand at which status."""
        conducted = self.in_use
        with self._reading() as connection:
            counts = _read.statuses(connection)
        if not conducted and "running" in counts:
            stopped = counts.pop("running") + counts.get("interrupted", 0)
            counts["interrupted"] = stopped
        return counts

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Conduct the study: hold its lock, and leave one plain study.db at the end.

        Raises:
            BadFolder: If another process conducts it, or it cannot be written.
        """
        with _lock.locked(self._path):
            with reporting(self._path):
                connection = _database.to_write(self._path)
                connection.execute(
                    "UPDATE runs SET status = 'interrupted' WHERE status = 'running'"
                )
            try:
                yield Writer(self._path, connection)
            finally:
                with reporting(self._path):
                    _database.settle(connection)

    def arrays(self, run_id: str, probe: str) -> dict[str, NDArray[Any]]:
        """What one probe saw in one run.

        Raises:
            BadFolder: If that was not recorded, or its file is damaged.
        """
        return _arrays.read(_arrays.place(self._path, run_id, probe))

    def probes(self, run_id: str) -> tuple[str, ...]:
        """The probes of a run that left arrays."""
        home = self._path / _arrays.ARRAYS / run_id
        return tuple(sorted(file.stem for file in home.glob("[!.]*.npz")))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with (
            reporting(self._path),
            closing(_database.to_read(self._path)) as connection,
        ):
            connection.execute("BEGIN")
            yield connection


def _refuse_taken(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise BadFolder(f"{path}: is a file, not a folder. Choose another name.")
    if _lock.in_use(path):
        raise BadFolder(
            f"{path}: in use by another normlab. Choose another folder, or wait."
        )
    with reporting(path):
        taken = path.is_dir() and any(path.iterdir())
    if taken:
        raise BadFolder(
            f"{path}: is not empty. Choose another folder, or go on with the study in "
            f"it: normlab resume {path}"
        )


def _fill(path: Path, spec: StudySpec, meta: Mapping[str, str]) -> None:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    text = toml.dumps(spec)
    (path / _arrays.ARRAYS).mkdir()
    _database.make(path)
    facts = {"created": created, **meta, "schema": str(_database.SCHEMA)}
    connection = _database.to_write(path)
    try:
        connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
    finally:
        _database.settle(connection)
    (path / SETTINGS).write_text(text, encoding="utf-8")


def _undo(path: Path, *, existed: bool) -> None:
    if not existed:
        shutil.rmtree(path, ignore_errors=True)
        return
    shutil.rmtree(path / _arrays.ARRAYS, ignore_errors=True)
    for name in (SETTINGS, _lock.LOCK):
        (path / name).unlink(missing_ok=True)
    for file in path.glob(f"{_database.DATABASE}*"):
        file.unlink(missing_ok=True)
