"""One conductor per study folder."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from normlab.errors import BadFolder
from normlab.records._trouble import reporting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = ".lock"
# somebody who only asks whether the folder is in use holds it for microseconds
_TRIES = 10
_PAUSE_SECONDS = 0.02


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system lets go of it however the process ends.

    Raises:
        BadFolder: If another process conducts the study.
    """
    with reporting(folder):
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with reporting(folder):
            _acquire(handle, folder)
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        # the file stays: removing it would let a third process lock another one
        os.close(handle)


def refuse_in_use(folder: Path) -> None:
    """Raise BadFolder if some process conducts the study in this folder."""
    if in_use(folder):
        raise BadFolder(_busy(folder, (folder / LOCK).read_bytes()))


def in_use(folder: Path) -> bool:
    """Whether some process conducts the study in this folder right now."""
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file system without locks knows of no conductor
    finally:
        os.close(handle)
    return False


def _acquire(handle: int, folder: Path) -> None:
    for _ in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)
        else:
            return
    raise BadFolder(_busy(folder, os.pread(handle, 20, 0)))


def _busy(folder: Path, noted: bytes) -> str:
    owner = noted.decode(errors="replace").strip() or "unknown"
    return (
        f"{folder}: in use by another normlab (process {owner}). Wait until it ends, "
        "or choose another folder."
    )
