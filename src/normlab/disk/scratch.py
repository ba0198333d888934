"""A temporary folder that goes even if its owner was killed, with the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_YOUNG = 60.0  # seconds: its owner may be about to lock it
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def held_folder(prefix: str) -> Iterator[Path]:
    """A new folder in TMPDIR, removed on exit, with those that were left behind.

    Args:
        prefix: Of its name; folders of this prefix that belong to this user and
            that nobody holds are removed first.
    """
    _remove_abandoned(prefix)
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        handle = os.open(name, _FOLDER)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Path(name)
        finally:
            os.close(handle)


def _remove_abandoned(prefix: str) -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}????????"):
        with suppress(OSError):
            handle = os.open(path, _FOLDER)
            try:
                found = os.fstat(handle)
                old = time.time() - found.st_mtime > _YOUNG
                if found.st_uid == os.getuid() and old:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(handle)
