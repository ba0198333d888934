"""CIFAR-10 and CIFAR-100 in their binary version.

A record is a label of one byte (CIFAR-100: two, of the coarse and the fine class) and
3,072 bytes of an image of 32 x 32: its red, its green and its blue plane.

Found: https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from normlab.data.assemble import Found, LabeledImages
from normlab.data.formats.idx import contents
from normlab.errors import BadData

_IMAGE = (3, 32, 32)
_TEN = re.compile(r"data_batch_\d+\.bin|test_batch\.bin")
_HUNDRED = ("train.bin", "test.bin")
_NAMES = ("batches.meta.txt", "fine_label_names.txt")


def is_folder(folder: Path) -> bool:
    """Whether the files of one of both are there."""
    return bool(_files(folder)[1])


def read_folder(folder: Path) -> Found:
    """All batches of a folder, CIFAR-100 by its 100 fine classes.

    Raises:
        BadData: If the test file is missing, or a file is not of whole records.
    """
    (train, test), labels = _files(folder)
    if not test[0].is_file():
        raise BadData(f"{folder} holds no {test[0].name}. Put it there.")
    names = [folder / name for name in _NAMES if (folder / name).is_file()]
    classes = tuple(names[0].read_text(encoding="utf-8").split()) if names else None
    notes = [f"{folder.name}: {len(train)} of 5 batches found"] * (
        labels == 1 and len(train) != 5
    )
    return Found(
        name=folder.name,
        train=_read(train, labels, f"{folder}"),
        test=_read(test, labels, f"{test[0]}"),
        classes=classes if classes and len(classes) in (10, 100) else None,
        axes="chw",
        notes=(*notes, *(["the 100 fine classes taken"] if labels == 2 else [])),
    )


def _files(folder: Path) -> tuple[tuple[list[Path], list[Path]], int]:
    """Training and test files, and the labels of each record."""
    ten = sorted(p for p in folder.glob("*.bin") if _TEN.fullmatch(p.name))
    if ten:
        train = [path for path in ten if path.name != "test_batch.bin"]
        return (train, [folder / "test_batch.bin"]), 1
    if (folder / _HUNDRED[0]).is_file():
        return ([folder / _HUNDRED[0]], [folder / _HUNDRED[1]]), 2
    return ([], []), 0


def _read(files: Sequence[Path], labels: int, where: str) -> LabeledImages:
    size = labels + int(np.prod(_IMAGE))
    records = []
    for path in files:
        content = np.frombuffer(contents(path), np.uint8)
        if not len(content) or len(content) % size:
            raise BadData(
                f"{path} holds {len(content)} bytes, not records of {size}. "
                "Fetch it again."
            )
        records.append(content.reshape(-1, size))
    every = np.concatenate(records)
    images = every[:, labels:].reshape(-1, *_IMAGE)
    return LabeledImages(
        images, every[:, labels - 1], images_where=where, labels_where=where
    )
