"""One conductor per study folder."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from normlab.disk.opening import Unusual, opened, refuse_links
from normlab.errors import BadFolder
from normlab.records._trouble import reporting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = ".lock"
# somebody who only asks whether the folder is in use holds it for microseconds
_TRIES = 10
_PAUSE_SECONDS = 0.02
_NOTE_BYTES = 20
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def locked(folder: Path, *, make: bool = False) -> Iterator[None]:
    """Hold the folder's lock; the system lets go of it however the process ends.

    Args:
        folder: The study's.
        make: Whether to make the folder too, as long as it is not there.

    Raises:
        BadFolder: If another process conducts the study.
    """
    with reporting(folder):
        handle = _acquired(folder, make=make)
    try:
        with suppress(OSError):  # who holds it is only told to others
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        # the file stays: removing it would let a third process lock another one
        os.close(handle)


def refuse_in_use(folder: Path) -> None:
    """Raise BadFolder if some process conducts the study in this folder."""
    if in_use(folder):
        with suppress(FileNotFoundError), opened(folder / LOCK, within=folder) as file:
            raise BadFolder(_busy(folder, file.read(_NOTE_BYTES)))


def in_use(folder: Path) -> bool:
    """Whether some process conducts the study in this folder right now.

    Raises:
        BadFolder: If the lock is no regular file.
    """
    try:
        file = opened(folder / LOCK, within=folder)
    except Unusual as unusual:
        raise BadFolder(f"{unusual.filename}: is {unusual.strerror}.") from None
    except OSError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            pass  # a file system without locks knows of no conductor
    return False


def _acquired(folder: Path, *, make: bool) -> int:
    """A handle that holds the lock of the file that has its name now."""
    noted = b""
    for _ in range(_TRIES):
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = _opened(folder)
        except FileNotFoundError:
            if make:
                continue  # whoever had made the folder has just taken it back
            raise
        if _holds(handle) and _is_named(handle, folder):
            return handle
        noted = os.pread(handle, _NOTE_BYTES, 0)
        os.close(handle)
        time.sleep(_PAUSE_SECONDS)
    raise BadFolder(_busy(folder, noted))


def _opened(folder: Path) -> int:
    """The lock's file, made if it is not there; never one that is elsewhere too."""
    refuse_links(folder / LOCK, folder)
    handle = os.open(folder / LOCK, _FLAGS, 0o666)
    found = os.fstat(handle)
    if stat.S_ISREG(found.st_mode) and found.st_nlink <= 1:
        return handle
    os.close(handle)
    raise Unusual(folder / LOCK, "no file of its own")


def _holds(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_named(handle: int, folder: Path) -> bool:
    """Whether others would lock the same file, which may have been taken away."""
    try:
        return os.path.samestat(os.fstat(handle), (folder / LOCK).lstat())
    except FileNotFoundError:
        return False


def _busy(folder: Path, noted: bytes) -> str:
    owner = noted.decode(errors="replace").strip()
    return (
        f"{folder}: in use by another normlab (process "
        f"{owner if owner.isdigit() else 'unknown'}). Wait until it ends, or choose "
        "another folder."
    )
