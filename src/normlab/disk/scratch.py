"""A temporary folder that goes even if its owner was killed, with the next one."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TRIES = 100


@contextmanager
def held_folder(prefix: str) -> Iterator[Path]:
    """A new folder in TMPDIR, removed on exit, with those that were left behind.

    Args:
        prefix: Of its name; folders of this prefix that belong to this user and
            that nobody holds are removed first.
    """
    _remove_abandoned(prefix)
    path, handle = _held(prefix)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(handle)


def _held(prefix: str) -> tuple[Path, int]:
    """A new folder and its lock; another one if it was taken for abandoned before."""
    path = Path()
    for _ in range(_TRIES):
        path = Path(tempfile.mkdtemp(prefix=prefix))
        with suppress(FileNotFoundError):
            handle = os.open(path, _FOLDER)
            if _is_ours(handle, path):
                return path, handle
            os.close(handle)
    raise FileNotFoundError(
        errno.ENOENT, os.strerror(errno.ENOENT), tempfile.gettempdir()
    )


def _is_ours(handle: int, path: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks, where nobody removes any
    return path.exists()


def _remove_abandoned(prefix: str) -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}????????"):
        with suppress(OSError):
            handle = os.open(path, _FOLDER)
            try:
                if os.fstat(handle).st_uid == os.getuid():
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(handle)
