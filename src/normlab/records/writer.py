"""The one writer of a study folder."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normlab.disk import whole
from normlab.disk.opening import opened
from normlab.disk.tree import entries
from normlab.errors import BadFolder
from normlab.records import _arrays, _blocks, _notes
from normlab.records._arrays import SURFACES
from normlab.records._copy import copy_run
from normlab.records._database import DATABASE, to_read
from normlab.records._events import keep
from normlab.records._trouble import reporting
from normlab.records.events import EpochDone, Event, Noted, Observed
from normlab.records.surface import StudySurface, packed
from normlab.spec.point import point_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from normlab.records.rows import Status
    from normlab.spec.plan import RunKey

_LAST = 2**62  # later than any step


class Writer:
    """Puts what runs report into the study folder, one short transaction each.

    Every event may come again: it replaces what it said before. Comes from
    `StudyFolder.write()`, which holds the folder's lock.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._rows: dict[RunKey, int] = {}
        self._database = (path / DATABASE).lstat()
        self.kept: set[str] = set()
        """Files of arrays that were written, by their path in the folder."""

    def add_runs(self, keys: Iterable[RunKey]) -> None:
        """Queue runs, in this order; those that are there stay as they are."""
        with self._transaction() as run:
            run.executemany(
                "INSERT OR IGNORE INTO runs (arm, rate, seed, point, status) "
                "VALUES (?, ?, ?, ?, 'queued')",
                [_identity(key) for key in keys],
            )

    def status(self, key: RunKey, status: Status, reason: str | None = None) -> None:
        """Say how a run stands; each change to `running` counts as an attempt."""
        with self._transaction() as run:
            run.execute(
                "UPDATE runs SET status = ?, reason = ?, attempts = attempts + ? "
                "WHERE run = ?",
                (status, reason, int(status == "running"), self._row(key)),
            )

    def event(self, key: RunKey, event: Event) -> None:
        """Keep what a run reports.

        `Finished`, `Diverged` and `Failed` also set its status. The `Steps` of an
        epoch must come before its `EpochDone`, so that `rewind` knows its last step.

        Raises:
            BadFolder: If the disk is full or the folder cannot be written.
        """
        row = self._row(key)
        if isinstance(event, Observed):
            self._write(key.id, event.probe, event.arrays)
            return
        if isinstance(event, Noted):
            with self._transaction() as run:
                _notes.put(run, key.id, event.text)
            return
        if isinstance(event, EpochDone):
            self._refuse_moved()
        with self._transaction():
            keep(event, row, self._connection)

    def rewind(self, key: RunKey, epoch: int) -> int:
        """Forget everything later than the end of an epoch, before a run goes on.

        Args:
            key: The run.
            epoch: Its last epoch to keep, as in its checkpoint; 0 forgets all.

        Returns:
            The epoch that the records now end with; less than `epoch` where they
            never had it. A checkpoint beyond it would leave a gap: start from 0.
        """
        row = self._row(key)
        with self._transaction() as run:
            if epoch == 0:  # a later one has had its reasons by then
                _notes.forget(run, key.id)
            kept, last_step = run.execute(
                "SELECT COALESCE(MAX(epoch), 0), COALESCE(MAX(last_step), 0) "
                "FROM epochs WHERE run = ? AND epoch <= ?",
                (row, epoch),
            ).fetchone()
            run.execute("DELETE FROM epochs WHERE run = ? AND epoch > ?", (row, kept))
            run.execute(
                "DELETE FROM glimpses WHERE run = ? AND step > ?", (row, last_step)
            )
            _blocks.cut(run, row, first=last_step + 1, last=_LAST)
            run.execute(
                "UPDATE runs SET correct = NULL, images = NULL, diverged_step = NULL, "
                "test_loss = NULL, test_accuracy = NULL, seconds = NULL, "
                "reason = NULL, status = 'queued', batch_digest = (SELECT batch_digest "
                "FROM epochs WHERE epochs.run = runs.run AND epoch = ?) WHERE run = ?",
                (kept, row),
            )
        return kept

    def measurement(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep a measurement of the whole study, such as `cost`; JSON values only."""
        with self._transaction() as run:
            run.execute(
                "INSERT OR REPLACE INTO measurements VALUES (?, ?)",
                (name, json.dumps(dict(value))),
            )

    def surface(self, surface: StudySurface) -> None:
        """Keep a surface, whole or not at all."""
        self._write(SURFACES, surface.name, packed(surface))

    def meta(self, key: str, value: str) -> None:
        """Keep a fact about the study: versions, digests, sources, times."""
        with self._transaction() as run:
            run.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def adopt_arrays(self, part: Path, key: RunKey) -> None:
        """Copy what a part of the study keeps of one run in files.

        Raises:
            BadFolder: If a file cannot be read or written, or is no regular file.
        """
        home = part / _arrays.ARRAYS / key.id
        for entry in entries(home):
            if entry.is_dir(follow_symlinks=False):
                continue
            name = Path(entry.path).relative_to(part)
            with reporting(part), opened(Path(entry.path), within=part) as source:
                place = self._path / name
                whole.make_room(place.parent)
                with whole.replacing(place, sync=False) as copy:
                    shutil.copyfileobj(source, copy)
            self.kept.add(name.as_posix())

    def adopt_rows(self, runs: Mapping[RunKey, Path]) -> None:
        """Take over what parts of the study say of runs, all or nothing."""
        os.sync()  # the files first
        with self._transaction() as into:
            for part in dict.fromkeys(runs.values()):
                with reporting(part), closing(to_read(part)) as source:
                    for key in (key for key, path in runs.items() if path == part):
                        copy_run(source, into, _identity(key), self._row(key))
                        _notes.copy(source, into, key.id)

    def _write(
        self, run_id: str, probe: str, arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        place = _arrays.place(self._path, run_id, probe)
        with reporting(self._path):
            _arrays.write(place, arrays)
        self.kept.add(place.relative_to(self._path).as_posix())

    def _refuse_moved(self) -> None:
        """Refuse to train on into files that nobody will find.

        Raises:
            BadFolder: If study.db is not the file any more that is written to.
        """
        with suppress(FileNotFoundError, NotADirectoryError):
            if os.path.samestat((self._path / DATABASE).lstat(), self._database):
                return
        raise BadFolder(
            f"{self._path}: was moved, deleted or replaced while its study ran, so it "
            "has stopped. If it was moved, put it back."
        )

    def _row(self, key: RunKey) -> int:
        if key not in self._rows:
            with reporting(self._path):
                found = self._connection.execute(
                    "SELECT run FROM runs "
                    "WHERE arm = ? AND rate = ? AND seed = ? AND point = ?",
                    _identity(key),
                ).fetchone()
            if found is None:
                raise KeyError(f"{key.id} is no run of this study; add_runs first")
            self._rows[key] = found[0]
        return self._rows[key]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with reporting(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # a full disk may have rolled it back already
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _identity(key: RunKey) -> tuple[str, float, int, str]:
    return key.arm, float(key.rate), key.seed, point_json(key.point)
