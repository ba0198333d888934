"""What the probes of one run saw, read when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from normlab.records import _arrays
from normlab.records.observed.contract import ProbeArrays

if TYPE_CHECKING:
    from collections.abc import Iterable
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
        self.probes = frozenset(self._kept)
        """Names of those that looked."""

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
        probes: Names of those that left a file which is not lost.
    """

    def __init__(self, folder: Path, run_id: str, probes: Iterable[str]) -> None:
        super().__init__()
        self._folder = folder
        self._run_id = run_id
        self.probes = frozenset(probes)

    def __getitem__(self, kind: type[P]) -> P:
        if kind in self and kind.probe not in self._kept:
            path = _arrays.place(self._folder, self._run_id, kind.probe)
            arrays = _arrays.read(path, self._folder)
            try:
                self._kept[kind.probe] = kind.unpacked(arrays)
            except ValueError as error:
                raise _arrays.damaged(path, error) from None
        return super().__getitem__(kind)
