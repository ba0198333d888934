"""MATLAB's .mat files (up to version 7), such as those of SVHN and EMNIST."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from normlab.data.assemble import Found
from normlab.data.formats.names import chosen, part_of, source_of
from normlab.disk.opening import Unusual, opened
from normlab.disk.remedy import refuse_want
from normlab.disk.room import most_unpacked, refuse_more_than_fits, refuse_to_unpack
from normlab.errors import BadData

_PACKED = 15  # the kind of a variable that was packed by zlib
_PIECE = 1 << 20
_HDF5 = b"\x89HDF\r\n\x1a\n"


def read_mat(path: Path) -> Found:
    """The arrays of a .mat file by their usual names; it holds no code.

    MATLAB counts examples along the last axis; where that is so, it is turned. Below a
    structure with train and test (EMNIST) the names are looked for in these.

    Raises:
        BadData: If the file is damaged, or lacks images or labels.
    """
    from scipy.io import loadmat

    try:
        with opened(path) as file:
            start = file.read(520)
    except Unusual as error:
        raise BadData(f"{path} is {error.strerror}. Save it again.") from None
    if _HDF5 in start or start[:19] == b"MATLAB 7.3 MAT-file":
        raise BadData(
            f"{path} is a MAT-file of version 7.3. Save it again in MATLAB with -v7."
        )
    _refuse_bomb(path)
    try:
        found = loadmat(str(path), simplify_cells=True)
    except Exception as error:  # whatever damage makes of the reading
        refuse_want(error)
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise BadData(
            f"cannot read {path}: it is damaged or no MAT-file ({reason}). Save it "
            "again with -v7."
        ) from None
    arrays = {k: v for k, v in found.items() if not k.startswith("__")}
    arrays = _flat(arrays)
    held, remedy = path.stat().st_size, "Save it as a full matrix"
    for name, array in arrays.items():
        if hasattr(array, "toarray"):  # sparse: it says how large it is, and no more
            claimed = 8 * prod(array.shape)
            refuse_to_unpack(claimed, held, f"{name} of {path}", remedy)
    return source_of(arrays, name=path.stem, where=str(path))


def _refuse_bomb(path: Path) -> None:
    """Raise BadData if the packed variables unpack to implausibly much.

    Of these the lengths are not said anywhere: they are unpacked once, piece by piece.
    """
    held = path.stat().st_size
    remedy = "Save it again without compression (-v6)"
    refuse_more_than_fits(2 * held, str(path), remedy)
    most, found = most_unpacked(held), 0
    with path.open("rb") as file:
        order = ">" if file.read(128)[126:] == b"MI" else "<"
        while len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            if kind != _PACKED:
                file.seek(size, 1)
                continue
            unpack, packed = zlib.decompressobj(), file.read(size)
            while packed and found <= most:
                try:
                    found += len(unpack.decompress(packed, _PIECE))
                except zlib.error:
                    break  # said by whoever reads it
                packed = unpack.unconsumed_tail
    refuse_to_unpack(found, held, str(path), remedy)


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
