"""IDX files, the format of MNIST: a short header, then numbers.

Two zero bytes, a byte for the element type, a byte for the number of axes, each
axis' length as a big-endian 32-bit integer, then the numbers, big-endian.

Source: http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.data.assemble import Pair, Source
from normlab.errors import BadData

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
_TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_GZIP = b"\x1f\x8b"


def read_folder(folder: Path, *, name: str | None = None) -> Source:
    """The four files of a dataset in MNIST's format, gzipped or not.

    Args:
        folder: Holds train-images-idx3-ubyte, train-labels-idx1-ubyte and the same
            two with t10k, each maybe with .gz behind; `images.idx3-ubyte` is
            understood as well.
        name: What the dataset is called; the folder's name if not given.

    Raises:
        BadData: If a file is missing, unreadable, damaged or no IDX file.
    """
    pairs = []
    for names in (_TRAIN, _TEST):
        images, labels = (_found(folder, file) for file in names)
        pairs.append(Pair(read(images), read(labels), str(images), str(labels)))
    return Source(name=name or folder.name, train=pairs[0], test=pairs[1])


def is_folder(folder: Path) -> bool:
    """Whether any of the four files is there, under any of its names."""
    return any(path for file in _TRAIN + _TEST for path in _spelled(folder, file))


def read(path: Path) -> NDArray[Any]:
    """The array that one IDX file holds, gzipped or not; new and writable.

    Raises:
        BadData: If the file cannot be read, is truncated or corrupt, is no IDX file,
            or holds less or more than its header promises.
    """
    return parsed(unpacked(contents(path), where=str(path)), where=str(path))


def contents(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        BadData: If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadData(
            f"cannot read {path}: {error.strerror}. Put the file there."
        ) from None


def unpacked(content: bytes, *, where: str) -> bytes:
    """The same bytes, decompressed if they are gzipped, whatever the file's name.

    Raises:
        BadData: If the gzip stream is truncated or corrupt.
    """
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except EOFError:
        raise BadData(
            f"{where} is truncated: its gzip stream has no end. Fetch it again."
        ) from None
    except (zlib.error, gzip.BadGzipFile) as error:
        raise BadData(f"{where} is corrupt ({error}). Fetch it again.") from None


def parsed(content: bytes, *, where: str) -> NDArray[Any]:
    """The array in the bytes of an IDX file.

    Raises:
        BadData: If the bytes are no IDX file, or fewer or more than promised.
    """
    if not content:
        raise BadData(f"{where} is empty: it has no bytes. Fetch it again.")
    kind = _TYPES.get(content[2]) if content[:2] == b"\0\0" and content[3:] else None
    if kind is None:
        raise BadData(
            f"{where} is no IDX file: it starts with {content[:4].hex(' ')}. "
            "Fetch it again."
        )
    axes = content[3]
    start = 4 + 4 * axes
    if not axes or len(content) < start:
        raise BadData(
            f"{where} is truncated: its header of {start} bytes is not whole. "
            "Fetch it again."
        )
    shape = struct.unpack(f">{axes}I", content[4:start])
    dtype = np.dtype(kind)
    promised, held = prod(shape) * dtype.itemsize, len(content) - start
    if promised != held:
        raise BadData(
            f"{where} promises {' x '.join(map(str, shape))} numbers ({promised} "
            f"bytes) in its header but holds {held} bytes. Fetch it again."
        )
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))


def _found(folder: Path, file: str) -> Path:
    for path in _spelled(folder, file):
        return path
    raise BadData(f"{folder} holds no {file} or {file}.gz. Put all four files there.")


def _spelled(folder: Path, file: str) -> list[Path]:
    dotted = file.replace("-idx", ".idx")
    names = (file, f"{file}.gz", dotted, f"{dotted}.gz")
    return [folder / name for name in names if (folder / name).is_file()]
