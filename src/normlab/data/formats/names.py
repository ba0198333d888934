"""What arrays and columns are usually called, and what they are then."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from normlab.data.assemble import Found, LabeledImages
from normlab.errors import BadData

# fmt: off
IMAGES = (
    "image", "images", "img", "imgs", "pixel_values", "x", "data", "features", "inputs",
    "input", "png", "jpg", "jpeg", "webp",
)
LABELS = (
    "label", "labels", "y", "target", "targets", "class", "fine_label", "fine_labels",
    "cls", "digit",
)
PARTS = {
    "train": ("train", "training", "tr"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "te", "t10k"),
}
CLASSES = ("class_names", "classes", "label_names", "target_names", "fine_label_names")
# fmt: on


class Use(NamedTuple):
    """What an array is for: images (x) or labels (y) of a part, or of all data."""

    kind: str
    part: str | None


def use_of(name: str) -> Use | None:
    """What an array of this name is for; None if the name says nothing.

    Example:
        >>> use_of("x_train"), use_of("val_labels"), use_of("X")
        (Use(kind='x', part='train'), Use(kind='y', part='validation'),
        Use(kind='x', part=None))
    """
    return _USES.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def part_of(name: str) -> str | None:
    """The part that a file of this name holds; None if the name says nothing.

    Example:
        >>> part_of("train_32x32"), part_of("emnist-test"), part_of("digits")
        ('train', 'test', None)
    """
    tokens = re.split(r"[^a-z0-9]+", name.lower())
    for part, words in PARTS.items():
        if any(word in tokens for word in words):
            return part
    return None


def chosen(names: Iterable[str]) -> dict[Use, str]:
    """The name of the array for each use; the more usual one wins."""
    found: dict[Use, str] = {}
    for name in sorted(names, key=_rank):
        use = use_of(name)
        if use is not None:
            found.setdefault(use, name)
    if any(use.part == "train" for use in found):
        found = {use: name for use, name in found.items() if use.part}
    return {Use(use.kind, use.part or "train"): n for use, n in found.items()}


def source_of(arrays: Mapping[str, Any], *, name: str, where: str) -> Found:
    """The parts that arrays of usual names make.

    Args:
        arrays: By name; read when they are needed.
        name: Of the data.
        where: The file or object that holds them.

    Raises:
        BadData: If images or labels of a part are missing.
    """
    uses = chosen(arrays) or _numbered(arrays)
    held = ", ".join(map(str, arrays)) or "nothing"
    parts = dict.fromkeys(["train", *(use.part or "train" for use in uses)])
    pairs, notes = {}, []
    for part in parts:
        both = [uses.get(Use(kind, part)) for kind in "xy"]
        for kind, there in zip("xy", both, strict=True):
            if there is None:
                raise BadData(
                    f"{where} has no {kind}_{part}; it holds {held}. Save x_train, "
                    "y_train, x_test and y_test."
                )
        x, y = (str(there) for there in both)
        pairs[part], note = _pair(arrays, x, y, where)
        notes += note
    names = next((key for key in CLASSES if key in arrays), None)
    used = {*uses.values(), *([names] if names else [])}
    others = [str(key) for key in arrays if key not in used and key[:2] != "__"]
    notes += [f"{where}: {', '.join(others)} passed over"] if others else []
    return Found(
        name=name,
        train=pairs["train"],
        test=pairs.get("test"),
        validation=pairs.get("validation"),
        classes=named_classes(arrays[names], pairs["train"]) if names else None,
        notes=tuple(notes),
    )


def names_of(features: Any) -> Any:
    """The names of classes among the features of Hugging Face's datasets, or None."""
    described = features.values() if isinstance(features, Mapping) else ()
    named = [names for one in described if (names := getattr(one, "names", None))]
    return named[0] if len(named) == 1 else None


def named_classes(names: Any, train: LabeledImages) -> tuple[str, ...] | None:
    """Names of classes, if the labels number them from 0; else None.

    Example:
        >>> pair = LabeledImages(np.zeros((2, 4)), np.array([0, 1]), "x", "y")
        >>> named_classes(["cat", "dog"], pair)
        ('cat', 'dog')
    """
    try:
        texts = tuple(str(name) for name in names)
    except TypeError:
        return None
    labels = np.asarray(train.labels)
    numbers = labels.dtype.kind in "ui" and labels.size
    fitting = numbers and labels.min() >= 0 and labels.max() < len(texts)
    return texts if fitting and len(set(texts)) == len(texts) > 1 else None


def _pair(
    arrays: Mapping[str, Any], x: str, y: str, where: str
) -> tuple[LabeledImages, list[str]]:
    images, labels = np.asarray(arrays[x]), np.asarray(arrays[y])
    notes = []
    count = labels.shape[0] if labels.ndim else 0
    if labels.ndim == 2 and labels.shape[0] == 1:  # as MATLAB writes a row
        labels, count = labels[0], labels.shape[1]
    if images.ndim > 2 and images.shape[0] != count == images.shape[-1]:
        images = np.moveaxis(images, -1, 0)
        notes.append(f"{x} of {where}: its last axis counts the examples")
    at = (f"{x} of {where}", f"{y} of {where}")
    return LabeledImages(images, labels, images_where=at[0], labels_where=at[1]), notes


def _numbered(arrays: Mapping[str, Any]) -> dict[Use, str]:
    """Arrays that NumPy numbered: images and labels, of one part or of two."""
    known = [name for name in (f"arr_{i}" for i in range(6)) if name in arrays]
    parts = ("train", "test") if len(known) == 4 else ("train", "validation", "test")
    found: dict[Use, str] = {}
    for part, x, y in zip(parts, known[::2], known[1::2], strict=False):
        images, labels = arrays[x], arrays[y]
        if images.ndim < 2 or labels.size != len(images):
            return {}
        found |= {Use("x", part): x, Use("y", part): y}
    return found if 2 * len(found) and len(found) == len(known) else {}


def _rank(name: str) -> tuple[bool, int, str]:
    """x_train and its like win where several arrays could be meant, then earlier words.

    Images and labels then come from one family of names.
    """
    usual = re.fullmatch(r"[xy]_(train|test|val|valid|validation)", name) is not None
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    words = (*IMAGES, *LABELS)
    places = [i for i, word in enumerate(words) if word.replace("_", "") in plain]
    return (not usual, min(places, default=len(words)), name)


def _uses() -> dict[str, Use]:
    table: dict[str, Use] = {}
    for kind, words in (("x", IMAGES), ("y", LABELS)):
        for word in (w.replace("_", "") for w in words):
            table.setdefault(word, Use(kind, None))
            for part, spellings in PARTS.items():
                for spelling in spellings:
                    table.setdefault(f"{word}{spelling}", Use(kind, part))
                    table.setdefault(f"{spelling}{word}", Use(kind, part))
    return table


_USES = _uses()
