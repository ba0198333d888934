"""What SQLite and the operating system say, in one line about the folder."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.disk.opening import Unusual
from normlab.disk.remedy import remedy
from normlab.errors import BadFolder
from normlab.foreign import plain, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST_BYTES = 1 << 20
_OPEN_AT_ONCE = 4  # study.db, its log, its index, and a folder to sync
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Odd(ValueError):
    """A cell of study.db that normlab never wrote; the text says which."""


@contextmanager
def reporting(path: Path) -> Iterator[None]:
    """Turn errors of files and of the database into BadFolder about `path`."""
    try:
        yield
    except Unusual as error:
        raise BadFolder(
            f"{error.filename}: is {error.strerror}. Take it out of the study."
        ) from None
    except OSError as error:
        raise BadFolder(_about_files(path, error)) from error
    except Odd as odd:
        raise BadFolder(
            f"{path}: study.db is damaged ({odd}). Restore it from a copy."
        ) from None
    except UnicodeDecodeError:  # also what SQLite says of a schema, which quotes it
        raise BadFolder(
            f"{path}: study.db is damaged (a text is no UTF-8). Restore it from a copy."
        ) from None
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
        raise  # a mistake of ours, not the folder's
    except sqlite3.Error as error:
        raise BadFolder(_about_database(path, error)) from error


def _about_files(path: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return _full(path)
    reason = error.strerror or type(error).__name__
    advice = remedy(error, otherwise="Check that the folder is still there.")
    return f"{path}: cannot be used ({reason}). {advice}"


def _about_database(path: Path, error: sqlite3.Error) -> str:
    text = shortened(plain(" ".join(str(error).split())), 200)
    # where the log cannot grow on a full disk, SQLite speaks of an I/O error
    if "full" in text or ("disk I/O" in text and _nearly_full(path)):
        return _full(path)
    if text == "interrupted":
        text = "its tables give more than the file can hold"
    if getattr(error, "sqlite_errorname", "").startswith("SQLITE_READONLY_"):
        return (
            f"{path}: study.db was left in the middle of a write, and whoever may not "
            "write in the folder cannot read it. Have its owner show it once, or copy "
            "the folder and show the copy."
        )
    if "unable to open" in text and (want := _want_of_descriptors()):
        return _about_files(path, want)
    if "readonly" in text or "unable to open" in text:
        return f"{path}: study.db cannot be opened ({text}). Check its permissions."
    if "locked" in text:
        return f"{path}: study.db stays locked by another program. Try again later."
    if "disk I/O" in text:
        return f"{path}: study.db cannot be read or written ({text}). Check the disk."
    return f"{path}: study.db is damaged or no study ({text}). Restore it from a copy."


def _want_of_descriptors() -> OSError | None:
    """Why this process cannot open as many files as SQLite does; None if it can."""
    try:
        with ExitStack() as taken:
            for _ in range(_OPEN_AT_ONCE):
                taken.enter_context(Path(os.devnull).open("rb"))
    except OSError as error:
        return error
    return None


def _nearly_full(path: Path) -> bool:
    with suppress(OSError):
        return shutil.disk_usage(path).free < _LEAST_BYTES
    return False


def _full(path: Path) -> str:
    return f"{path}: the disk is full. Free some space; what was kept stays readable."
