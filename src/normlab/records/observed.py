"""What the probes of one run saw, read when it is asked for."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any

from normlab.records import _arrays

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

Arrays = Mapping[str, "NDArray[Any]"]


class Kept(Mapping[str, Arrays]):
    """Probe to its arrays, as they lie in a study folder; files are read once.

    Args:
        folder: Of the study.
        run_id: Of the run.
        lost: Files that cannot be read, by their path in the folder.
    """

    def __init__(
        self, folder: Path, run_id: str, lost: Container[str] = frozenset()
    ) -> None:
        self._lost = lost
        self._folder = folder
        self._run_id = run_id
        self._read: dict[str, Arrays] = {}

    def __getitem__(self, probe: str) -> Arrays:
        if probe not in self:
            raise KeyError(probe)
        if probe not in self._read:
            self._read[probe] = _arrays.read(self._place(probe))
        return self._read[probe]

    def __contains__(self, probe: object) -> bool:
        if not isinstance(probe, str):
            return False
        place = self._place(probe)
        name = place.relative_to(self._folder).as_posix()
        return name not in self._lost and place.is_file()

    def __iter__(self) -> Iterator[str]:
        home = self._folder / _arrays.ARRAYS / self._run_id
        found = sorted(file.stem for file in home.glob("[!.]*.npz"))
        return (probe for probe in found if probe in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _place(self, probe: str) -> Path:
        return _arrays.place(self._folder, self._run_id, probe)
