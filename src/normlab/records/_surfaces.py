"""The surfaces of a study, as they lie in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.errors import BadFolder, NormlabError
from normlab.foreign import plain, shortened
from normlab.records import _arrays
from normlab.records.surface import StudySurface, unpacked

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path


def files(folder: Path, kind: str = "") -> list[Path]:
    """Those of one kind, or all, in the order of their names."""
    home = folder / _arrays.ARRAYS / _arrays.SURFACES
    found = _arrays.files_of(folder, _arrays.SURFACES, _arrays.PROBED)
    return [home / name for name in found if not kind or name.startswith(f"{kind}-")]


def sound(folder: Path, kind: str = "") -> list[Path]:
    """Those that can be read."""
    return [file for file in files(folder, kind) if _arrays.is_sound(file, folder)]


def read(file: Path, folder: Path) -> StudySurface:
    """One surface.

    Raises:
        BadFolder: If the file is damaged, or holds something else.
    """
    arrays = _arrays.read(file, folder)
    try:
        return unpacked(arrays)
    except Exception as error:  # whatever a stranger put there
        kind = "" if isinstance(error, NormlabError) else f"{type(error).__name__}: "
        what = shortened(plain(f"{kind}{error}"), 200)
        raise BadFolder(
            f"{file}: is no surface of normlab ({what}). Take it out of the study."
        ) from None


def bowls(
    folder: Path, gone: Container[str]
) -> tuple[tuple[StudySurface, ...], tuple[str, ...]]:
    """Those that are not gone, and the paths of files that hold something else."""
    found: list[StudySurface] = []
    strange: list[str] = []
    for file in files(folder, "bowl"):
        name = file.relative_to(folder).as_posix()
        if name in gone:
            continue
        try:
            found.append(read(file, folder))
        except BadFolder:
            strange.append(name)
    return tuple(found), tuple(strange)
