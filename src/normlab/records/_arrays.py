"""NumPy arrays in files: whole or not at all, and never a pickle."""

from __future__ import annotations

import math
import os
import re
import zipfile
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from normlab.disk import whole
from normlab.disk.opening import opened, refuse_links
from normlab.disk.remedy import refuse_want
from normlab.errors import BadFolder
from normlab.foreign import brief, plain, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

ARRAYS = "arrays"
NETWORK = "network.safetensors"
PROBED = ".npz"  # and surfaces
RESULTS = (PROBED, ".safetensors")
SURFACES = "surfaces"  # among the run ids in it; no run has such an id
_PIECE = 1 << 20  # bytes that are looked at together
_PLAIN = "biufcU"
"""Kinds of numbers, truth values and text: what probes and surfaces are made of."""
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


def place(folder: Path, run_id: str, probe: str) -> Path:
    """Where the arrays of one probe of one run are kept.

    Raises:
        ValueError: If a name could lead out of the folder.
    """
    for name in (run_id, probe):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no file-safe name")
    return folder / ARRAYS / run_id / f"{probe}{PROBED}"


def is_result(name: object) -> bool:
    """Whether this is the path of a file of results, as seen from its study folder."""
    if not isinstance(name, str):
        return False
    home, *parts = name.split("/")
    return home == ARRAYS and len(parts) == 2 and all(map(_NAME.fullmatch, parts))


def write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a file of arrays: readers see all or nothing.

    Equal arrays give equal bytes: no time of day enters the file.
    """
    whole.make_room(path.parent)
    with (
        whole.replacing(path) as stream,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as file,
    ):
        for name, array in arrays.items():
            # a member of fixed date; force_zip64 because the size is not known
            member = zipfile.ZipInfo(f"{name}.npy")
            with file.open(member, "w", force_zip64=True) as to:
                np.lib.format.write_array(to, np.asanyarray(array), allow_pickle=False)


def files(folder: Path) -> dict[str, tuple[str, ...]]:
    """Names of the files of results in a study folder, by the folder they lie in.

    One look into each folder, however many ask afterwards. What has a name that normlab
    gives to nothing is somebody else's, and where a link leads to is not looked at.
    """
    homes = [e.name for e in _named(folder / ARRAYS, folder) if _is_folder(e)]
    return {home: files_of(folder, home) for home in homes}


def files_of(
    folder: Path, home: str, suffixes: str | tuple[str, ...] = RESULTS
) -> tuple[str, ...]:
    """Names of the files of results of one run, or of all surfaces."""
    here = _named(folder / ARRAYS / home, folder)
    return tuple(sorted(e.name for e in here if e.name.endswith(suffixes)))


def _named(place: Path, folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder of a study."""
    try:
        refuse_links(place, folder)
        with os.scandir(place) as found:
            return [entry for entry in found if _NAME.fullmatch(entry.name)]
    except OSError as error:
        refuse_want(error)
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def is_sound(path: Path, folder: Path) -> bool:
    """Whether every array of a file can be read and is what was written."""
    try:
        with opened(path, within=folder) as stream, zipfile.ZipFile(stream) as file:
            for member in _members(file, stream):
                with file.open(member) as content:
                    _claim(content, member)
                    while content.read(_PIECE):
                        pass  # its checksum is compared at the end
    except Exception as error:  # whatever damage makes of the reading
        refuse_want(error)
        return False
    return True


def read(path: Path, folder: Path | None) -> dict[str, NDArray[Any]]:
    """Read every array of a file.

    Nothing is allocated before it is known that the file holds as much: arrays are
    stored as they are, and their headers claim what is there.

    Args:
        path: The file.
        folder: Of the study, which the file may not lead out of; None for a file of
            the user's own.

    Raises:
        BadFolder: If the file is missing, damaged, or no file of plain arrays.
    """
    try:
        # opened here: NumPy would leave a damaged file open
        with opened(path, within=folder) as stream, zipfile.ZipFile(stream) as file:
            return {
                member.filename.removesuffix(".npy"): _array(file, member)
                for member in _members(file, stream)
            }
    except FileNotFoundError:
        raise BadFolder(
            f"{path}: was not recorded. Was the study run with --measure full?"
        ) from None
    except Exception as error:  # whatever damage makes of the reading
        refuse_want(error)
        raise damaged(path, error) from None


def damaged(path: Path, error: Exception) -> BadFolder:
    """What is said of a file that cannot be read."""
    text = getattr(error, "strerror", None) or " ".join(str(error).split())
    return BadFolder(
        f"{path}: is damaged ({shortened(plain(text), 200)}). Take it away, and "
        "the rest can be read."
    )


class _Claim(NamedTuple):
    """What the header of an array says."""

    shape: tuple[int, ...]
    in_columns: bool
    dtype: np.dtype[Any]


def _members(file: zipfile.ZipFile, stream: BinaryIO) -> list[zipfile.ZipInfo]:
    """What a file claims to hold, if it is large enough for it."""
    members = file.infolist()
    if not members:
        raise ValueError("no arrays")
    if any(m.compress_type != zipfile.ZIP_STORED for m in members):
        raise ValueError("packed, and normlab packs nothing")
    claimed = sum(max(member.file_size, member.compress_size) for member in members)
    if claimed > os.fstat(stream.fileno()).st_size:
        raise ValueError("claims more than it holds")
    return members


def _claim(stream: IO[bytes], member: zipfile.ZipInfo) -> _Claim:
    """What kind of array follows, if the member is exactly as long as that."""
    header = _HEADERS[np.lib.format.read_magic(stream)]
    claim = _Claim(*header(stream))
    if claim.dtype.kind not in _PLAIN or claim.dtype.itemsize == 0:
        raise ValueError(f"{brief(member.filename)} is {brief(str(claim.dtype))}")
    held = member.file_size - stream.tell()
    if math.prod(claim.shape) * claim.dtype.itemsize != held:
        raise ValueError(f"{brief(member.filename)} claims {brief(claim.shape)}")
    return claim


def _array(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with file.open(member) as stream:
        claim = _claim(stream, member)
        data = stream.read()
    array = np.empty(math.prod(claim.shape), claim.dtype)
    array.view(np.uint8)[:] = np.frombuffer(data, np.uint8)
    return array.reshape(claim.shape, order="F" if claim.in_columns else "C")
