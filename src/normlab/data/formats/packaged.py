"""Files that the library `datasets` reads: Parquet, Arrow, JSON lines, HDF5, tars.

It is an extra, `normlab[datasets]`, and imported when such a file is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from normlab.data.assemble import Found, LabeledImages
from normlab.data.formats.names import named_classes, names_of, part_of
from normlab.data.items import read_items
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
    try:
        with _offline(datasets):
            # streamed: nothing is written to a cache
            stream = datasets.load_dataset(
                loader,
                data_files=[str(path) for path in files],
                split="train",
                streaming=True,
            )
            # its own decoder lets Pillow try every format, of which one is a program
            return list(stream.decode(enable=False)), stream.features
    except ImportError as error:
        raise BadSetting(
            f"{where} needs the library {error.name}: install it."
        ) from None
    except Exception as error:  # of readers of damaged files: as varied as the formats
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise BadData(
            f"cannot read {where} as {loader} ({type(error).__name__}: {reason}). "
            "Save it again."
        ) from None


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
