"""IDX files, the format of MNIST: a short header, then numbers.

Two zero bytes, a byte for the element type, a byte for the number of axes, each
axis' length as a big-endian 32-bit integer, then the numbers, big-endian.

Found: http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import gzip
import os
import re
import struct
import zlib
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.data.assemble import Found, LabeledImages
from normlab.disk.opening import Unusual, opened
from normlab.disk.remedy import remedy
from normlab.disk.room import refuse_more_than_fits, refuse_to_unpack
from normlab.errors import BadData

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NAME = re.compile(
    r"(?:(?P<set>.+)-)?(?P<part>train|training|t10k|test)-(?P<kind>images|labels)"
    r"[-.]idx(?P<axes>\d)-(?:ubyte|int)(?:\.gz)?"
)
_GZIP = b"\x1f\x8b"
_AXES = 8  # NumPy has at most 64, images four


def read_folder(folder: Path, *, name: str | None = None, of: str = "") -> Found:
    """The four files of a dataset in MNIST's format, gzipped or not.

    Args:
        folder: Holds train-images-idx3-ubyte, train-labels-idx1-ubyte and the same
            two with t10k or test, each maybe with .gz behind;
            `images.idx3-ubyte` and the names of EMNIST and QMNIST, which begin with
            that of the set, are understood as well.
        name: What the dataset is called; the set's or the folder's name if not given.
        of: The set, where the folder holds several, such as emnist-letters.

    Raises:
        BadData: If a file is missing, unreadable, damaged or no IDX file, or there are
            several sets.
    """
    sets = _sets(folder)
    if of:
        sets = {one: files for one, files in sets.items() if one == of}
    if len(sets) > 1:
        raise BadData(
            f"{folder} holds several datasets ({', '.join(sets)}). Choose one: "
            f"{folder / next(iter(sets))}"
        )
    ((found, files),) = sets.items() or [("", {})]
    pairs, notes = [], []
    for part, spelling in (("train", "train"), ("test", "t10k")):
        for kind, axes in (("images", 3), ("labels", 1)):
            if (part, kind) not in files:
                start = f"{found}-" if found else ""
                missing = f"{start}{spelling}-{kind}-idx{axes}-ubyte"
                raise BadData(
                    f"{folder} holds no {missing} or {missing}.gz. "
                    "Put all four files there."
                )
        images, labels = files[part, "images"], files[part, "labels"]
        numbers = read(labels)
        if numbers.ndim == 2 and numbers.shape[1] > 1:  # QMNIST: class, writer, ...
            numbers = numbers[:, 0]
            notes.append(f"{labels.name}: the first of its columns taken as the class")
        pairs.append(LabeledImages(read(images), numbers, str(images), str(labels)))
    if found.startswith("emnist"):
        notes.append("rows and columns of EMNIST's images are exchanged, as published")
    return Found(
        name=name or found or folder.name,
        train=pairs[0],
        test=pairs[1],
        notes=tuple(notes),
    )


def is_folder(folder: Path, *, of: str = "") -> bool:
    """Whether any of the four files is there, under any of its names."""
    sets = _sets(folder)
    return of in sets if of else bool(sets)


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
        with opened(path) as stream:
            refuse_more_than_fits(
                2 * os.fstat(stream.fileno()).st_size,
                f"{path}",
                "Give fewer examples",
            )
            return stream.read()
    except Unusual as error:
        raise BadData(f"{path} is {error.strerror}. Fetch it again.") from None
    except OSError as error:
        raise BadData(
            f"cannot read {path}: {error.strerror}. "
            f"{remedy(error, otherwise='Put the file there.')}"
        ) from None


def unpacked(content: bytes, *, where: str) -> bytes:
    """The same bytes, decompressed if they are gzipped, whatever the file's name.

    No more of them than the header promises, and one.

    Raises:
        BadData: If the gzip stream is truncated or corrupt, or what it promises is
            not plausible.
    """
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.open(BytesIO(content)) as stream:
            head = stream.read(4)
            head += stream.read(4 * head[3] if len(head) == 4 else 0)
            shape, dtype = _promise(head, where)
            promised = prod(shape) * dtype.itemsize
            remedy = "Unpack it with gunzip first, or fetch it again"
            refuse_to_unpack(promised, len(content), where, remedy)
            return head + stream.read(promised + 1)
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
    shape, dtype = _promise(content, where)
    start = 4 + 4 * len(shape)
    promised, held = prod(shape) * dtype.itemsize, len(content) - start
    if promised != held:
        more = " or more" if held > promised else ""
        raise BadData(
            f"{where} promises {' x '.join(map(str, shape))} numbers ({promised} "
            f"bytes) in its header but holds {held} bytes{more}. "
            "Fetch it again."
        )
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))


def _promise(content: bytes, where: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """What the header says: the length of each axis, and the kind of the numbers."""
    if not content:
        raise BadData(f"{where} is empty: it has no bytes. Fetch it again.")
    kind = _TYPES.get(content[2]) if content[:2] == b"\0\0" and content[3:] else None
    if kind is None:
        raise BadData(
            f"{where} is no IDX file: it starts with {content[:4].hex(' ')}. "
            "Fetch it again."
        )
    axes = content[3]
    if axes > _AXES:
        raise BadData(
            f"{where} has {axes} axes, and {_AXES} are the most that is read. Fetch "
            "it again."
        )
    start = 4 + 4 * axes
    if not axes or len(content) < start:
        raise BadData(
            f"{where} is truncated: its header of {start} bytes is not whole. "
            "Fetch it again."
        )
    shape = struct.unpack(f">{axes}I", content[4:start])
    if not all(shape):
        raise BadData(
            f"{where} promises {' x '.join(map(str, shape))} numbers in its header, "
            "which is none. Fetch it again."
        )
    return shape, np.dtype(kind)


def _sets(folder: Path) -> dict[str, dict[tuple[str, str], Path]]:
    """The files by part and kind, of each set whose name they begin with."""
    sets: dict[str, dict[tuple[str, str], Path]] = {}
    # plain files before packed ones, and dashes before dots
    for path in sorted(folder.iterdir(), key=lambda p: (len(p.name), p.name)):
        found = _NAME.fullmatch(path.name)
        if found and path.is_file():
            part = "train" if found["part"].startswith("train") else "test"
            files = sets.setdefault(found["set"] or "", {})
            files.setdefault((part, found["kind"]), path)
    return dict(sorted(sets.items()))
