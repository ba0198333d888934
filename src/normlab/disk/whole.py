"""The one way normlab writes a file: whole, or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.disk.tree import entries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PART = re.compile(
    r"\.normlab-[0-9a-f]{16}\.tmp"
    # as earlier versions and safetensors called theirs
    r"|\..+\.\d+\.tmp|[\w.-]+\.partial|\.tmp[A-Za-z0-9]{6}"
)
_LEVELS = 2  # of folders that are made: arrays/RUN/path, but never a study's own


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[BinaryIO]:
    """A stream to a new file, which takes the name `path` once the body is done.

    It is written under a random name that nobody can have prepared, synced to the
    disk and renamed: readers see the old file or the new one, also after a power cut.
    Where the body fails, nothing is left. A killed writer leaves its part, which
    `sweep` knows by its name and by the lock that only a living writer holds.

    Args:
        path: The file.
        sync: Whether to wait for the disk; not where many follow, and `os.sync` does it
            for all before anything says that they are there.

    Raises:
        OSError: If it cannot be written.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    part = f".normlab-{secrets.token_hex(8)}.tmp"
    try:
        with os.fdopen(os.open(part, _NEW, 0o666, dir_fd=folder), "wb") as stream:
            try:
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield stream
                stream.flush()
                if sync:
                    os.fsync(stream.fileno())
                os.replace(part, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(part, dir_fd=folder)
                raise
        with suppress(OSError):  # some network file systems sync no folders
            if sync:
                os.fsync(folder)
    finally:
        os.close(folder)


def write(path: Path, content: bytes) -> None:
    """Write a file with `replacing`."""
    with replacing(path) as stream:
        stream.write(content)


def make_room(folder: Path) -> None:
    """Make a folder inside of a study, but not the study's own once more.

    Raises:
        FileNotFoundError: If more than two levels are missing: the study was moved or
            deleted, and its place may not come back with scraps in it.
    """
    missing = [place for place in (folder, *folder.parents) if not place.is_dir()]
    if len(missing) > _LEVELS:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    folder.mkdir(parents=True, exist_ok=True)


def is_part(name: str) -> bool:
    """Whether a file of this name is what a killed writer leaves."""
    return _PART.fullmatch(name) is not None


def sweep(folder: Path) -> None:
    """Remove the parts that killed writers left here and below; follow no link."""
    for entry in entries(folder):
        if is_part(entry.name) and entry.is_file(follow_symlinks=False):
            with suppress(OSError):
                _remove_abandoned(Path(entry.path))


def _remove_abandoned(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        # fails while its writer lives
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(handle)
