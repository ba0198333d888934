"""The one way to open what somebody else may have put there."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
# a pipe is not waited for, a terminal not taken over
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LARGE = 16 << 20
_HOLLOW = 64
"""A large file with fewer bytes on the disk than this part of its size says so, but
holds nothing: it would only fill memory."""


class Unusual(OSError):
    """Something else than a regular file of plausible size; the text says what."""

    def __init__(self, path: str | os.PathLike[str], what: str) -> None:
        super().__init__(errno.EINVAL, what, os.fspath(path))


def opened(path: Path, *, within: Path | None = None) -> BinaryIO:
    """Open a regular file for reading; nothing else is waited for or read.

    Args:
        path: The file.
        within: A folder of a stranger's that it lies in: nothing below it may be a
            link. None for a path of the user's own, who may use links.

    Raises:
        Unusual: If it is a link, a pipe, a device, a socket, a folder, or hollow.
        OSError: If it cannot be opened.
    """
    if within is not None:
        refuse_links(path, within)
    _refuse_unusual(path, path.stat())
    nofollow = 0 if within is None else os.O_NOFOLLOW
    handle = os.open(path, _READ | nofollow)
    try:
        _refuse_unusual(path, os.fstat(handle))
    except BaseException:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def content(path: Path, *, most: int, within: Path | None = None) -> bytes:
    """Read a file of at most so many bytes; see `opened`.

    Raises:
        Unusual: If it is larger, or no regular file.
        OSError: If it cannot be read.
    """
    with opened(path, within=within) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > most:
            raise Unusual(path, f"{size:,} bytes where {most:,} are plenty")
        return stream.read(most)


def size_of(path: Path, *, within: Path) -> int | None:
    """Bytes of a regular file in a stranger's folder; None if there is none.

    Raises:
        Unusual: If there is something else, or a link on the way to it.
    """
    refuse_links(path, within)
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    _refuse_unusual(path, found)
    return found.st_size


def refuse_links(path: Path, within: Path) -> None:
    """Raise Unusual if something between a folder and a path below it is a link."""
    place = os.fspath(within)
    for part in path.relative_to(within).parts:
        place = f"{place}/{part}"
        if os.path.islink(place):  # noqa: PTH114 - of each file of 10,000 runs
            raise Unusual(place, "a link, and links in a study are not followed")


def _refuse_unusual(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no file")
        raise Unusual(path, f"{kind}, not a regular file")
    if found.st_size > _LARGE and found.st_blocks * 512 < found.st_size // _HOLLOW:
        raise Unusual(path, f"hollow: {found.st_size:,} bytes that hold nothing")
