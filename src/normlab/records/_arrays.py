"""NumPy arrays in files: whole or not at all, and never a pickle."""

from __future__ import annotations

import os
import re
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from normlab.errors import BadFolder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ARRAYS = "arrays"
SURFACES = "surfaces"  # among the run ids in it; no run has such an id
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


def place(folder: Path, run_id: str, probe: str) -> Path:
    """Where the arrays of one probe of one run are kept.

    Raises:
        ValueError: If a name could lead out of the folder.
    """
    for name in (run_id, probe):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no file-safe name")
    return folder / ARRAYS / run_id / f"{probe}.npz"


def write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write to a temporary name, then rename: readers see all or nothing.

    Equal arrays give equal bytes: no time of day enters the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as file:
            for name, array in arrays.items():
                # a member of fixed date; force_zip64 because the size is not known
                member = zipfile.ZipInfo(f"{name}.npy")
                with file.open(member, "w", force_zip64=True) as stream:
                    np.lib.format.write_array(
                        stream, np.asanyarray(array), allow_pickle=False
                    )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def is_sound(path: Path) -> bool:
    """Whether every array of a file can be read and is what was written."""
    try:
        with zipfile.ZipFile(path) as file:
            return file.testzip() is None
    except Exception:  # whatever damage makes of the reading
        return False


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Read every array of a file.

    Raises:
        BadFolder: If the file is missing or damaged.
    """
    try:
        # opened here: NumPy would leave a damaged file open
        with path.open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                raise ValueError("no .npz file")
            stream.seek(0)
            file = np.load(stream, allow_pickle=False)
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise BadFolder(
            f"{path}: was not recorded. Was the study run with --measure full?"
        ) from None
    except Exception as error:  # whatever damage makes of the reading
        text = " ".join(str(error).split())
        raise BadFolder(
            f"{path}: is damaged ({text}). Take it away, and the rest can be read."
        ) from None
