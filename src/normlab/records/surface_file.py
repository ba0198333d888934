"""One surface in a file of its own: an .npz of plain arrays, without pickle."""

from __future__ import annotations

from pathlib import Path

from normlab.disk.output import refuse_to_replace
from normlab.disk.remedy import refuse_want, remedy
from normlab.errors import BadData, BadFolder
from normlab.records import _arrays
from normlab.records.surface import Surface, packed_surface, unpacked_surface

SUFFIX = ".npz"


def save_surface(surface: Surface, path: Path) -> Path:
    """Write a surface, replacing an older .npz file.

    Raises:
        BadFolder: If the name does not end in .npz, what is there is no plain file, or
            it cannot be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise BadFolder(f"{path}: a surface is saved as .npz. Use {path}{SUFFIX}.")
    refuse_to_replace(path, SUFFIX, force=True)
    if not path.parent.is_dir():
        raise BadFolder(f"{path.parent} does not exist. Make it, or choose another.")
    try:
        _arrays.write(path, packed_surface(surface))
    except OSError as error:
        raise BadFolder(
            f"{path}: cannot be written ({error.strerror}). "
            f"{remedy(error, otherwise='Choose another place.')}"
        ) from None
    return path


def load_surface(path: Path) -> Surface:
    """Read what `save_surface` wrote, or a surface of a study.

    Raises:
        BadData: If there is no such file, or it holds no surface.
    """
    if not path.is_file():
        raise BadData(f"{path}: there is no such file.")
    try:
        return unpacked_surface(_arrays.read(path, None))
    except Exception as error:  # whatever a strange file makes of the reading
        refuse_want(error)
        text = " ".join(str(error).split()) or type(error).__name__
        raise BadData(
            f"{path}: holds no surface of normlab ({text}). Give a file that"
            " Surface.save wrote."
        ) from None
