"""A study folder: study.toml, study.db and arrays/."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normlab.disk import whole
from normlab.disk.opening import size_of
from normlab.errors import BadFolder
from normlab.records import _arrays, _create, _database, _lock, _read, _surfaces
from normlab.records._trouble import Odd, reporting
from normlab.records.inventory import lost, noted
from normlab.records.looks import SEEDS, kept_looks
from normlab.records.observed.observations import Observations, StoredObservations
from normlab.records.rows import StudyRecord
from normlab.records.writer import Writer
from normlab.spec import toml
from normlab.spec.difference import differing
from normlab.spec.more_seeds import at_seeds

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from normlab.records.surface import StudySurface
    from normlab.spec.study import StudySpec


def log_of(path: Path) -> int:
    """Bytes of what was written last and is not in study.db yet, but beside it."""
    try:
        return (path / f"{_database.DATABASE}-wal").lstat().st_size
    except OSError:
        return 0


class StudyFolder:
    """Where one study is kept; come by it through `begin` or `open`."""

    def __init__(self, path: Path, spec: StudySpec) -> None:
        self._path = path
        self._spec = spec
        self._locked = False  # by this very object

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    @property
    def settings(self) -> Path:
        """Its study.toml."""
        return self._path / _create.SETTINGS

    @property
    def spec(self) -> StudySpec:
        """What study.toml says."""
        return self._spec

    @classmethod
    @contextmanager
    def begin(
        cls, path: Path, spec: StudySpec, meta: Mapping[str, str] | None = None
    ) -> Iterator[StudyFolder]:
        """Make a new study folder; if nothing comes of it, nothing is left behind.

        Where the body fails before any run has started (the disk has room for the
        tables but none for the data), the folder is taken back too.

        Args:
            path: A folder that is empty or does not exist yet.
            spec: What is written to study.toml.
            meta: Facts about the study; `created` is added.

        Raises:
            BadFolder: If the folder holds something, is in use, is no folder,
                cannot be written, or the disk is full.
        """
        cls.refuse_taken(path)
        folder, missing = cls(path, spec), _create.missing(path)
        try:
            with _lock.locked(path, make=True):
                _create.refuse_filled(path)  # another start may have been quicker
                with folder._begun(missing, meta or {}):
                    yield folder
        finally:
            _create.take_back(missing)  # where it was not begun

    @contextmanager
    def _begun(
        self, missing: Sequence[Path], meta: Mapping[str, str]
    ) -> Iterator[None]:
        """Fill the folder, whose lock is held; undo that if nothing comes of it."""
        self._locked = True
        try:
            try:
                with reporting(self._path):
                    _create.fill(self._path, self._spec, meta)
                with self.write():
                    pass  # where the tables found room, their log may not
            except BaseException:
                _create.undo(self._path, missing)
                raise
            try:
                yield
            except BaseException:
                if self.statuses().keys() <= {"queued"}:
                    _create.undo(self._path, missing)
                raise
        finally:
            self._locked = False

    @staticmethod
    def refuse_taken(path: Path) -> None:
        """Refuse a folder that no study can be made in; write nothing.

        For whoever has something to announce or to start before `begin`.

        Raises:
            BadFolder: If the folder holds something, is in use, is no folder, or
                cannot be written.
        """
        _create.refuse_taken(path)

    @classmethod
    def open(cls, path: Path) -> StudyFolder:
        """Open an existing study folder.

        Raises:
            BadFolder: If it is missing, no study, of an unknown schema or damaged.
            BadSetting: If its study.toml cannot be read.
        """
        with reporting(path):
            if not path.is_dir():
                what = "is not a folder" if path.exists() else "does not exist"
                raise BadFolder(
                    f"{path}: {what}. `normlab list` shows the studies here."
                )
            if size_of(path / _database.DATABASE, within=path) is None:
                raise BadFolder(
                    f"{path}: is no study folder ({_database.DATABASE} is missing). "
                    "`normlab list` shows the studies here."
                )
            with closing(_database.to_read(path)) as connection:
                facts = _read.meta(connection, path)
            original = facts.get(_create.ORIGINAL)
            lacking = _create.lacks_settings(path)
        if lacking and original is not None:  # cut off in the making
            spec = toml.loads(original, where=f"{path}/study.db", begun=True)
        else:
            spec = toml.load(path / _create.SETTINGS, within=path)
            _refuse_edited(path, spec, original)
        with reporting(path):
            return cls(path, _with_asked(spec, facts))

    def extend(self, spec: StudySpec) -> StudyFolder:
        """Give the study more seeds, for good; study.toml stays what it began with.

        Args:
            spec: As `with_more_seeds` made it of its own.

        Returns:
            The study from all of them.

        Raises:
            BadFolder: If another process conducts it, or it cannot be written.
        """
        with self.write() as writer:
            writer.meta(SEEDS, json.dumps(spec.seeds))
        return StudyFolder.open(self._path)

    @property
    def in_use(self) -> bool:
        """Whether a process conducts this study right now."""
        return _lock.in_use(self._path)

    def refuse_busy(self) -> None:
        """Refuse to go on with a study that `write` would refuse; write nothing.

        Raises:
            BadFolder: If another process conducts it, or it cannot be written.
        """
        _lock.refuse_in_use(self._path)
        with reporting(self._path):
            _create.refuse_unwritable(self._path)

    def read(self) -> StudyRecord:
        """Everything known at this moment, also while the study is conducted."""
        record = self.tables()
        with reporting(self._path):
            files = _arrays.files(self._path)
            gone = lost(self._path, noted(record.meta), files)
            bowls, strange = _surfaces.bowls(self._path, frozenset(gone))
        observed = self._observed(files, frozenset(gone))
        runs = (
            replace(run, observed=observed[run.key.id])
            if run.key.id in observed
            else run
            for run in record.runs
        )
        return replace(record, runs=tuple(runs), bowls=bowls, lost=gone + strange)

    def tables(self) -> StudyRecord:
        """What study.db says at this moment; no look at the files of arrays."""
        conducted = self.in_use
        with self._reading() as connection:
            return StudyRecord(
                spec=self._spec,
                meta=_read.meta(connection, self._path),
                measurements=_read.measurements(connection, self._path),
                runs=_read.runs(
                    connection, self._path, self._spec, conducted=conducted
                ),
            )

    def meta(self) -> dict[str, str]:
        """The facts about the study alone."""
        with self._reading() as connection:
            return _read.meta(connection, self._path)

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
        held = nullcontext() if self._locked else _lock.locked(self._path)
        with held:
            with reporting(self._path):
                _create.refuse_leading_out(self._path)
                whole.sweep(self._path)
                connection = _database.to_write(self._path)
            try:
                with reporting(self._path):
                    meta = _read.meta(connection, self._path)
                    _create.complete(self._path, meta.get(_create.ORIGINAL))
                    connection.execute(
                        "UPDATE runs SET status = 'interrupted' "
                        "WHERE status = 'running'"
                    )
                yield Writer(self._path, connection)
            except BaseException:
                with suppress(sqlite3.Error):  # what happened before says more
                    _database.settle(connection)
                raise
            with reporting(self._path):
                _database.settle(connection)

    def arrays(self, run_id: str, probe: str) -> dict[str, NDArray[Any]]:
        """What one probe saw in one run.

        Raises:
            BadFolder: If that was not recorded, or its file is damaged.
        """
        return _arrays.read(_arrays.place(self._path, run_id, probe), self._path)

    def probes(self, run_id: str) -> tuple[str, ...]:
        """The probes of a run that left arrays."""
        return _probes(_arrays.files_of(self._path, run_id))

    def surfaces(self, kind: str = "") -> tuple[StudySurface, ...]:
        """Every surface that was measured and is not lost, in the order of their names.

        Args:
            kind: Those of one kind alone: path, common or bowl.

        Raises:
            BadFolder: If a file holds something else than a surface.
        """
        found = _surfaces.sound(self._path, kind)
        return tuple(_surfaces.read(file, self._path) for file in found)

    def surface_names(self) -> set[str]:
        """Of every surface that was measured and is not lost."""
        return {file.stem for file in _surfaces.sound(self._path)}

    def _observed(
        self, files: Mapping[str, Sequence[str]], gone: Container[str]
    ) -> dict[str, Observations]:
        """What probes kept of each run that has a file of theirs."""
        left = {
            home: _probes(
                n for n in names if f"{_arrays.ARRAYS}/{home}/{n}" not in gone
            )
            for home, names in files.items()
        }
        return {
            home: StoredObservations(self._path, home, probes)
            for home, probes in left.items()
            if probes
        }

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with (
            reporting(self._path),
            closing(_database.to_read(self._path)) as connection,
        ):
            connection.execute("BEGIN")
            yield connection


def _probes(names: Iterable[str]) -> tuple[str, ...]:
    """Whose files these are."""
    probed = (name for name in names if name.endswith(_arrays.PROBED))
    return tuple(name.removesuffix(_arrays.PROBED) for name in probed)


def _with_asked(spec: StudySpec, facts: Mapping[str, str]) -> StudySpec:
    """The study from all seeds that it has been given since it began."""
    if SEEDS in facts:
        seeds = tuple(json.loads(facts[SEEDS]))
        if seeds[: len(spec.seeds)] != spec.seeds:
            raise Odd("its seeds are not those that it began with and more")
        spec = at_seeds(spec, seeds)
    if {seed for look in kept_looks(facts) for seed in look.seeds} - {*spec.seeds}:
        raise Odd("it has looked at seeds that are not its own")
    return spec


def _refuse_edited(path: Path, spec: StudySpec, original: str | None) -> None:
    """The numbers belong to the settings they were made with."""
    if original is None:
        return
    began = toml.loads(original, where=f"{path}/{_database.DATABASE}", begun=True)
    changes = [c for c in differing(began, spec) if not c.startswith("execution.")]
    if changes:
        raise BadFolder(
            f"{path}: study.toml was changed after the study began ({changes[0]}). "
            f"Put it back, or copy it elsewhere and run it as a new study."
        )
