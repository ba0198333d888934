"""Folders of images: a sub-folder per class, maybe below train/ and test/."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.data.assemble import Pair, Source
from normlab.data.picture import Look, look_at, pixels
from normlab.errors import BadData
from normlab.spec.data import Data

# fmt: off
_SUFFIXES = frozenset((
    ".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm",
    ".png", ".ppm", ".tif", ".tiff", ".webp",
))
# fmt: on
_TRAIN = ("train", "training")
_VALIDATION = ("validation", "valid", "val")
_TEST = ("test", "testing")


class _Part(NamedTuple):
    folder: Path
    files: list[Path]
    labels: NDArray[np.int64]


def read_images(folder: Path, spec: Data) -> Source:
    """The images of a folder, each labelled by the sub-folder it is in.

    With `train/` and `test/` (and maybe `validation/`) below it, the classes are
    below these; `val/` without `test/` is the test part. Otherwise the classes are
    directly below, and a fifth of every class becomes the test part. Images lie
    anywhere below their class; files of other kinds and hidden ones are passed
    over.

    Args:
        folder: At its top.
        spec: With `image_size` images are stretched to that many pixels a side.
            With `colour` none, they are in colour if any of them is.

    Raises:
        BadData: If a class has no image, there is but one class, the parts have
            different classes, an image cannot be read, or sizes differ.
    """
    parts = _parts(folder)
    classes = _classes(parts["train"])
    found = {name: _files(part, classes) for name, part in parts.items()}
    with warnings.catch_warnings():
        # of damaged notes beside the pixels; damaged pixels are errors
        warnings.filterwarnings("ignore", module="PIL")
        look = _common_look([f for part in found.values() for f in part.files], spec)
        pairs = {name: _decoded(part, look) for name, part in found.items()}
    return Source(
        name=folder.resolve().name,
        train=pairs["train"],
        test=pairs.get("test"),
        validation=pairs.get("validation"),
        classes=classes,
    )


def _parts(folder: Path) -> dict[str, Path]:
    """The folder of each part; all images are `train` if they are not split."""
    below = {path.name.lower(): path for path in _folders(folder)}
    if not below:
        raise BadData(
            f"{folder} holds no sub-folders and no IDX files. Put the images of each "
            "class into a folder named like the class."
        )
    train, validation, test = (
        next((below[name] for name in names if name in below), None)
        for names in (_TRAIN, _VALIDATION, _TEST)
    )
    if train is None:
        return {"train": folder}
    if test is None:
        test, validation = validation, None
    if test is None:
        raise BadData(
            f"{folder} has {train.name}/ but no test/. Add it, or give {train} itself "
            "to have a fifth of its images split off."
        )
    named = {"train": train, "validation": validation, "test": test}
    return {name: path for name, path in named.items() if path is not None}


def _folders(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith((".", "__"))
    )


def _classes(folder: Path) -> tuple[str, ...]:
    classes = tuple(path.name for path in _folders(folder))
    if len(classes) < 2:
        raise BadData(
            f"{folder} has {len(classes)} class folder ({', '.join(classes)}); there "
            "is nothing to tell apart. Give at least two."
        )
    return classes


def _files(folder: Path, classes: Sequence[str]) -> _Part:
    found = tuple(path.name for path in _folders(folder))
    if found != classes:
        odd = sorted(set(found) ^ set(classes))
        raise BadData(
            f"{folder} and the training part differ in the class {odd[0]!r}. "
            "Give both a folder of that name, or neither."
        )
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        images = sorted(p for p in (folder / name).rglob("*") if _is_image(p))
        if not images:
            raise BadData(
                f"{folder / name} holds no image. Add some, or remove the folder."
            )
        files += images
        labels += [label] * len(images)
    return _Part(folder, files, np.array(labels, np.int64))


def _is_image(path: Path) -> bool:
    shown = not path.name.startswith(".")
    return shown and path.suffix.lower() in _SUFFIXES and path.is_file()


def _common_look(files: Sequence[Path], spec: Data) -> Look:
    """The size and colour that all images get; headers only, nothing is decoded."""
    looks = [look_at(path) for path in files]
    colour = any(look.colour for look in looks) if spec.colour is None else spec.colour
    if spec.image_size is not None:
        return Look(spec.image_size, spec.image_size, colour)
    first = looks[0]
    for path, look in zip(files, looks, strict=True):
        if look[:2] != first[:2]:
            raise BadData(
                f"{path} is {look.width} x {look.height} pixels, {files[0]} "
                f"{first.width} x {first.height}. Choose one size: --image-size 64."
            )
    return Look(first.width, first.height, colour)


def _decoded(part: _Part, look: Look) -> Pair:
    channels = 3 if look.colour else 1
    images = np.empty((len(part.files), channels, look.height, look.width), np.uint8)
    with ThreadPoolExecutor() as pool:  # decoders work outside the interpreter lock
        decoded = pool.map(lambda path: pixels(path, look), part.files)
        for place, image in enumerate(decoded):
            images[place] = image
    where = f"{part.folder}"
    return Pair(images, part.labels, images_where=where, labels_where=where)
