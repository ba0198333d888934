"""What the probes of one run saw, read when it is asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from normlab.records import _arrays
from normlab.records.observed.contract import ProbeArrays

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

P = TypeVar("P", bound=ProbeArrays)


class Observations:
    """What each probe kept of a run, by its class.

    Example:
        >>> import numpy as np
        >>> from normlab.records.observed.snapshots import SnapshotArrays
        >>> seen = Observations(SnapshotArrays(steps=np.array([0, 8])))
        >>> SnapshotArrays in seen, seen[SnapshotArrays].steps
        (True, array([0, 8]))
    """

    def __init__(self, *kept: ProbeArrays) -> None:
        self._kept = {one.probe: one for one in kept}

    @cached_property
    def probes(self) -> frozenset[str]:
        """Names of those that looked."""
        return frozenset(self._kept)

    def __contains__(self, kind: type[ProbeArrays]) -> bool:
        return kind.probe in self.probes

    def __getitem__(self, kind: type[P]) -> P:
        found = self._kept[kind.probe]
        assert isinstance(found, kind)
        return found


class StoredObservations(Observations):
    """As they lie in a study folder; files are read once.

    Args:
        folder: Of the study.
        run_id: Of the run.
        lost: Files that cannot be read, by their path in the folder.
    """

    def __init__(
        self, folder: Path, run_id: str, lost: Container[str] = frozenset()
    ) -> None:
        super().__init__()
        self._folder = folder
        self._run_id = run_id
        self._lost = lost

    @cached_property
    def probes(self) -> frozenset[str]:
        """Those with a file that is not lost."""
        files = _arrays.files_of(self._folder, self._run_id)
        known = {f.stem: f.relative_to(self._folder).as_posix() for f in files}
        return frozenset(n for n, path in known.items() if path not in self._lost)

    def __getitem__(self, kind: type[P]) -> P:
        if kind in self and kind.probe not in self._kept:
            path = _arrays.place(self._folder, self._run_id, kind.probe)
            arrays = _arrays.read(path, self._folder)
            try:
                self._kept[kind.probe] = kind.unpacked(arrays)
            except ValueError as error:
                raise _arrays.damaged(path, error) from None
        return super().__getitem__(kind)
