"""Files that the library `datasets` reads: Parquet, Arrow, JSON lines, HDF5, tars.

It is an extra, `normlab[datasets]`, and imported when such a file is asked for.
"""

from __future__ import annotations

import os
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from normlab.data.assemble import Found, LabeledImages
from normlab.data.formats.names import named_classes, names_of, part_of
from normlab.data.images.picture import decoded_size
from normlab.data.items import read_items
from normlab.disk.opening import Unusual, opened
from normlab.disk.remedy import refuse_want
from normlab.disk.room import most_unpacked, refuse_to_unpack
from normlab.errors import BadData, BadSetting

LOADERS: Mapping[str, str] = {
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".jsonl": "json",
    ".json": "json",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".tar": "webdataset",
}
"""Suffix to loader of `datasets`."""
_ROW, _CELL = 256, 32  # bytes of a row and a number as Python's objects
_TOGETHER = 100  # rows of a Parquet file that are unpacked together
_REMEDY = "Save fewer examples in it, or save it without compression"


def read_packaged(parts: Mapping[str, Sequence[Path]], *, name: str) -> Found:
    """Examples of one image and one label column, part by part.

    Args:
        parts: The files of each part, all of one suffix; with `train` among them.
        name: Of the data.

    Raises:
        BadData: If they cannot be read, or have no such columns.
        BadSetting: If `datasets` is not installed.
    """
    first = parts["train"][0]
    loader = LOADERS[first.suffix.lower()]
    pairs, notes, classes, axes = {}, {}, None, None
    for part, files in parts.items():
        where = ", ".join(map(str, files[:2])) + (", ..." if len(files) > 2 else "")
        rows, features = _rows(loader, files, where)
        if not rows:
            raise BadData(f"{where} holds no examples.")
        found = read_items(rows, np.arange(len(rows)), part, ("packaged", part))
        pairs[part] = LabeledImages(
            found.images, found.labels, where, f"labels of {where}"
        )
        notes |= dict.fromkeys(found.notes)
        if part == "train":
            classes, axes = names_of(features), found.axes
    return Found(
        name=name,
        train=pairs["train"],
        test=pairs.get("test"),
        validation=pairs.get("validation"),
        classes=named_classes(classes, pairs["train"]) if classes else None,
        axes=axes,
        notes=tuple(notes),
    )


def parts_of(files: Sequence[Path]) -> dict[str, list[Path]]:
    """Files by the part that their names tell; all train if none tells any.

    Example:
        >>> found = parts_of([Path("train-0.parquet"), Path("test-0.parquet")])
        >>> sorted(found)
        ['test', 'train']
    """
    parts: dict[str, list[Path]] = {}
    for path in sorted(files):
        parts.setdefault(part_of(path.stem) or "train", []).append(path)
    return parts if "train" in parts else {"train": sorted(files)}


def _rows(
    loader: str, files: Sequence[Path], where: str
) -> tuple[list[dict[str, Any]], Any]:
    try:
        import datasets
    except ImportError:
        raise BadSetting(
            f"{where} needs the library datasets, which is not installed; install it "
            "with: pip install 'normlab[datasets]'"
        ) from None
    held = sum(map(_size, files))
    options: dict[str, Any] = {}
    if loader == "parquet":
        options["batch_size"] = _TOGETHER
    try:
        _refuse_claims(loader, files, held)
        with _offline(datasets):
            # streamed: nothing is written to a cache
            stream = datasets.load_dataset(
                loader,
                data_files=[str(path) for path in files],
                split="train",
                streaming=True,
                **options,
            )
            # its own decoder lets Pillow try every format, of which one is a program
            rows = list(_bounded(stream.decode(enable=False), held, where))
            return rows, stream.features
    except BadData:
        raise
    except ImportError as error:
        raise BadSetting(
            f"{where} needs the library {error.name}: install it."
        ) from None
    except Exception as error:  # of readers of damaged files: as varied as the formats
        refuse_want(error)
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise BadData(
            f"cannot read {where} as {loader} ({type(error).__name__}: {reason}). "
            "Save it again."
        ) from None


def _size(path: Path) -> int:
    """Bytes of a file that is a plain one."""
    try:
        with opened(path) as stream:
            return os.fstat(stream.fileno()).st_size
    except Unusual as error:
        raise BadData(f"{path} is {error.strerror}. Save it again.") from None


def _refuse_claims(loader: str, files: Sequence[Path], held: int) -> None:
    """Raise BadData if what the files say of themselves is implausibly much."""
    for path in files:
        claims = _CLAIMS[loader](path) if loader in _CLAIMS else 0
        refuse_to_unpack(claims, held, str(path), _REMEDY)


def _of_parquet(path: Path) -> int:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        said = file.metadata
        groups = [said.row_group(i).total_byte_size for i in range(said.num_row_groups)]
        # equal numbers are stored once, and read as an object of Python's each
        objects = said.num_rows * (_ROW + _CELL * said.num_columns)
        return max(sum(groups), objects)


def _of_tar(path: Path) -> int:
    total = 0
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            total += member.size
            if total > most_unpacked(path.stat().st_size):
                break  # the rest may be endless
    return total


def _of_hdf5(path: Path) -> int:
    h5py = import_module("h5py")
    sizes: list[int] = []

    def visit(_: str, item: Any) -> None:
        sizes.append(int(getattr(item, "nbytes", 0)))

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return sum(sizes)


_CLAIMS: Mapping[str, Callable[[Path], int]] = {
    "parquet": _of_parquet,
    "webdataset": _of_tar,
    "hdf5": _of_hdf5,
}


def _bounded(
    rows: Iterable[dict[str, Any]], held: int, where: str
) -> Iterator[dict[str, Any]]:
    """The same rows, while what they take in memory is plausible."""
    total, most = 0, most_unpacked(held)
    for row in rows:
        total += _ROW + sum(map(_weight, row.values()))
        if total > most:
            refuse_to_unpack(total, held, where, _REMEDY)
        yield row


def _weight(value: Any) -> int:
    """Bytes of a cell in memory; of a picture's file, those of its pixels."""
    if isinstance(value, Mapping):
        return sum(map(_weight, value.values()))
    if isinstance(value, bytes):
        return decoded_size(value)
    if isinstance(value, list):
        return 8 * len(value) + sum(map(_weight, value))
    return int(getattr(value, "nbytes", 0)) or sys.getsizeof(value)


@contextmanager
def _offline(library: Any) -> Iterator[None]:
    """Meanwhile nothing is fetched, and nobody is told what was loaded."""
    config, keys = library.config, ("HF_HUB_OFFLINE", "HF_UPDATE_DOWNLOAD_COUNTS")
    before = {key: getattr(config, key) for key in keys if hasattr(config, key)}
    for key, value in zip(keys, (True, False), strict=True):
        setattr(config, key, value)
    try:
        yield
    finally:
        for key, value in before.items():
            setattr(config, key, value)
