"""MATLAB's .mat files (up to version 7), such as those of SVHN and EMNIST."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from normlab.data.assemble import Found
from normlab.data.formats.names import chosen, part_of, source_of
from normlab.errors import BadData

_HDF5 = b"\x89HDF\r\n\x1a\n"


def read_mat(path: Path) -> Found:
    """The arrays of a .mat file by their usual names; it holds no code.

    MATLAB counts examples along the last axis; where that is so, it is turned. Below a
    structure with train and test (EMNIST) the names are looked for in these.

    Raises:
        BadData: If the file is damaged, or lacks images or labels.
    """
    from scipy.io import loadmat

    with path.open("rb") as file:
        start = file.read(520)
    if _HDF5 in start or start[:19] == b"MATLAB 7.3 MAT-file":
        raise BadData(
            f"{path} is a MAT-file of version 7.3. Save it again in MATLAB with -v7."
        )
    try:
        found = loadmat(str(path), simplify_cells=True)
    except Exception as error:  # whatever damage makes of the reading
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise BadData(
            f"cannot read {path}: it is damaged or no MAT-file ({reason}). Save it "
            "again with -v7."
        ) from None
    arrays = {k: v for k, v in found.items() if not k.startswith("__")}
    return source_of(_flat(arrays), name=path.stem, where=str(path))


def _flat(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """What lies in a structure, as part_name, where nothing lies outside of one."""
    if chosen(k for k, v in arrays.items() if isinstance(v, np.ndarray)):
        return dict(arrays)
    inner = [value for value in arrays.values() if isinstance(value, Mapping)]
    if len(inner) != 1:
        return dict(arrays)
    (whole,) = inner
    flat: dict[str, Any] = {}
    for key, value in whole.items():
        if part_of(key) and isinstance(value, Mapping):
            flat |= {f"{part_of(key)}_{name}": array for name, array in value.items()}
        else:
            flat[key] = value
    return flat
