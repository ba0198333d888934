"""Folders of images: a sub-folder per class, or a table that says the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from normlab.data.assemble import Found
from normlab.data.formats.listing import read_tables, tables_of
from normlab.data.images.album import Listed, decoded
from normlab.data.images.parts import Role, parts_of
from normlab.data.images.tree import PassedOver, folders_of, images_below, loose
from normlab.data.words import few
from normlab.errors import BadData
from normlab.spec.data import Data

_NO_CLASS = (
    "{} holds no folders, so its images have no class. Put them into folders named "
    "like the classes, or take it away; if it is a class itself: --set "
    "data.folders=classes."
)
_VERBS: Mapping[Role, str] = {
    "train": "trains",
    "validation": "validates",
    "test": "tests",
}


def read_images(folder: Path, spec: Data) -> Found:
    """The images of a folder, each labelled by the sub-folder it is in, or by a table.

    With folders for training and for a test at the top, the classes are below these
    (`parts.parts_of` says how they are found). Otherwise the classes are directly
    below, and a fifth of every class becomes the test part. Images lie anywhere below
    their class; files of other kinds, hidden ones, service folders and linked folders
    are passed over and counted.

    Args:
        folder: At its top.
        spec: How images are read (see `album.decoded`); what the top folders are.

    Raises:
        BadData: If a class has no image, there is but one class, the parts have
            different classes, an image cannot be read, or sizes differ.
    """
    tables = tables_of(folder, spec)
    if tables:
        return read_tables(tables, folder, spec)
    passed = PassedOver()
    if not folders_of(folder, passed):
        raise BadData(
            f"{folder} holds no sub-folders and no IDX files. Put the images of each "
            "class into a folder named like the class, or add a table labels.csv of "
            "file names and classes."
        )
    loose(folder, passed)
    parts = parts_of(folder, spec)
    classes = _classes(parts["train"])
    listed = {role: _listed(path, classes, passed) for role, path in parts.items()}
    pairs, notes = decoded(listed, spec)
    return Found(
        name=folder.resolve().name,
        train=pairs["train"],
        test=pairs.get("test"),
        validation=pairs.get("validation"),
        classes=classes,
        axes="chw",
        notes=(*_named(folder, parts), *passed.notes, *notes),
    )


def _classes(folder: Path) -> tuple[str, ...]:
    classes = tuple(path.name for path in folders_of(folder))
    if not classes:
        raise BadData(_NO_CLASS.format(folder))
    if len(classes) < 2:
        raise BadData(
            f"{folder} has {len(classes)} class folder ({', '.join(classes)}); there "
            "is nothing to tell apart. Give at least two."
        )
    return classes


def _listed(folder: Path, classes: Sequence[str], passed: PassedOver) -> Listed:
    found = tuple(path.name for path in folders_of(folder))
    if not found:
        raise BadData(_NO_CLASS.format(folder))
    if found != classes:
        odd = sorted(set(found) ^ set(classes))
        raise BadData(
            f"{folder} and the training part differ in the class {odd[0]!r}. "
            "Give both a folder of that name, or neither."
        )
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        images = images_below(folder / name, passed)
        if not images:
            raise BadData(
                f"{folder / name} holds no image. Add some, or remove the folder."
            )
        files += images
        labels += [label] * len(images)
    return Listed(str(folder), files, np.array(labels, np.int64))


def _named(folder: Path, parts: Mapping[Role, Path]) -> list[str]:
    """Which folders were taken for which part, and which for none."""
    if len(parts) == 1:
        return []
    said = ", ".join(
        f"{parts[role].name}/ {verb}" for role, verb in _VERBS.items() if role in parts
    )
    rest = sorted(set(folders_of(folder)) - set(parts.values()))
    others = few([f"{path.name}/" for path in rest])
    return [said, *([f"passed over {others} beside the parts"] if rest else [])]
