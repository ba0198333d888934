"""What the probes of one run saw, read when it is asked for."""

from __future__ import annotations

from collections.abc import Container, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from normlab.errors import NotMeasured
from normlab.foreign import brief
from normlab.records import _arrays

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

Arrays = Mapping[str, "NDArray[Any]"]


class ProbeArrays(dict[str, "NDArray[Any]"]):
    """What a probe kept, by name; asking for what it did not keep is NotMeasured.

    Other versions, and others, keep fewer arrays: their file is sound all the same.

    Example:
        >>> ProbeArrays("path", {})["cosine"]
        Traceback (most recent call last):
        normlab.errors.NotMeasured: “path” was recorded without 'cosine'
    """

    def __init__(self, probe: str, arrays: Arrays) -> None:
        super().__init__(arrays)
        self._probe = probe

    def __missing__(self, name: str) -> NDArray[Any]:
        raise NotMeasured(f"“{self._probe}” was recorded without {brief(name)}")


class ObservedArrays(Mapping[str, Arrays]):
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
            arrays = _arrays.read(self._place(probe), self._folder)
            self._read[probe] = ProbeArrays(probe, arrays)
        return self._read[probe]

    def __contains__(self, probe: object) -> bool:
        if not isinstance(probe, str) or probe not in self._found:
            return False
        name = self._place(probe).relative_to(self._folder).as_posix()
        return name not in self._lost

    def __iter__(self) -> Iterator[str]:
        return (probe for probe in self._found if probe in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @cached_property
    def _found(self) -> tuple[str, ...]:
        files = _arrays.files_of(self._folder, self._run_id)
        return tuple(file.stem for file in files)

    def _place(self, probe: str) -> Path:
        return _arrays.place(self._folder, self._run_id, probe)
