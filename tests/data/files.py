"""Small made-up files of every kind that can be loaded."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """The IDX file of an array of bytes, written from the format's description."""
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def digits(n: int, *, side: int = 4, classes: int = 3) -> tuple[NDArray, NDArray]:
    """Images that hold their own number, and labels that go round."""
    images = np.zeros((n, side, side), np.uint8)
    images += (np.arange(n) % 256).astype(np.uint8)[:, np.newaxis, np.newaxis]
    images[:, 0, 0] += 1
    return images, (np.arange(n) % classes).astype(np.uint8)


def idx_folder(folder: Path, *, packed: bool = True) -> Path:
    """A folder with the four files: 30 images to train and 9 to test."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = (*digits(30), *digits(9))
    for name, array in zip(NAMES, arrays, strict=True):
        content = idx_bytes(array)
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def picture(
    path: Path,
    *,
    size: tuple[int, int] = (6, 4),
    mode: str = "RGB",
    colour: int | tuple[int, ...] = (255, 0, 0),
) -> Path:
    """A file with an image of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
    return path


def class_folders(folder: Path, *, each: int = 5, **look) -> Path:
    """`each` images of a cat and as many of a dog."""
    for name in ("cat", "dog"):
        for number in range(each):
            picture(folder / name / f"{number}.png", **look)
    return folder
