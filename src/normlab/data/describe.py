"""What a dataset is, said before it is learnt: counts, shape, type, decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from normlab.data.copies import Shared, copies
from normlab.data.dataset import Dataset, Part
from normlab.data.oddities import noun_of
from normlab.data.words import counted

_LISTED = 5  # classes; of more, the first and last are named
_KINDS = {
    "uint8": "uint8 pixels",
    "float32": "float32 numbers",
    "float64": "float64 numbers",
    "int64": "whole numbers",
}


def described(dataset: Dataset) -> dict[str, Any]:
    """What is kept with a study: plain values, and one line of text about them.

    Returns:
        `line`; `classes`, their names; `parts`, the examples of each class by part;
        `shape`, `type`, `looks`, `notes`; `copies`, what is in two parts at once
        (`part`, `other`, `copies`, `of`, `text`); `contradicted`, the different
        examples with copies of other labels.

    Example:
        >>> images = np.arange(160, dtype=np.uint8).reshape(10, 1, 4, 4)
        >>> part = Part(images=images, labels=np.arange(10) % 2)
        >>> own = {"classes": ("cat", "dog"), "mean": (0.0,), "std": (1.0,)}
        >>> told = described(
        ...     Dataset(name="pets", train=part, test=part, validation=None, **own)
        ... )
        >>> told["line"]  # doctest: +ELLIPSIS
        'pets: 10 train (cat: 5, dog: 5), 10 test (cat: 5, dog: 5); ...'
    """
    parts = dataset.parts
    shared, twice = copies(parts)
    noun = noun_of(dataset)
    notes = [
        *dataset.notes,
        *(["training images are read anew for each epoch"] if dataset.live else []),
        *(copied(pair, noun) for pair in shared),
        *([_contradicted(twice, noun)] if twice else []),
    ]
    looks = dataset.looks or f"{' x '.join(map(str, dataset.shape))}"
    told = [
        ", ".join(f"{len(p):,} {name}{_each(p, dataset)}" for name, p in parts.items()),
        *_many(dataset, parts),
        f"{looks}, {_KINDS[str(dataset.train.images.dtype)]}, {_prepared(dataset)}",
        *notes,
    ]
    return {
        "line": f"{dataset.name}: {'; '.join(told)}",
        "classes": list(dataset.classes),
        "parts": {name: _counts(part, dataset) for name, part in parts.items()},
        "shape": list(dataset.shape),
        "type": str(dataset.train.images.dtype),
        "looks": looks,
        "notes": notes,
        "copies": [{**pair._asdict(), "text": copied(pair, noun)} for pair in shared],
        "contradicted": twice,
    }


def copied(pair: Shared, noun: str) -> str:
    """One sentence about examples that are in two parts.

    Example:
        >>> copied(Shared("test", "train", 12, 12), "image")
        '12 of 12 test images are also training images'
    """
    other = {"train": "training"}.get(pair.other, pair.other)
    one, more = f"is also a {other} {noun}", f"are also {other} {noun}s"
    are = one if pair.copies == 1 else more
    return f"{pair.copies:,} of {counted(pair.of, f'{pair.part} {noun}')} {are}"


def _contradicted(count: int, noun: str) -> str:
    are = "is" if count == 1 else "are"
    return f"{counted(count, noun)} {are} there with different labels"


def _counts(part: Part, dataset: Dataset) -> list[int]:
    return np.bincount(part.labels, minlength=len(dataset.classes)).tolist()


def _each(part: Part, dataset: Dataset) -> str:
    """The examples of each class, where there are few classes."""
    if len(dataset.classes) > _LISTED:
        return ""
    counts = zip(_counts(part, dataset), dataset.classes, strict=True)
    return f" ({', '.join(f'{name}: {count:,}' for count, name in counts)})"


def _many(dataset: Dataset, parts: Mapping[str, Part]) -> list[str]:
    """The names of many classes, and the smallest and largest one of each part."""
    if len(dataset.classes) <= _LISTED:
        return []
    first, second, *_, last = dataset.classes
    spans = ", ".join(
        f"{_span(counts)} in {name}"
        for name, part in parts.items()
        if (counts := _counts(part, dataset))
    )
    return [f"{len(dataset.classes)} classes ({first}, {second}, ..., {last}), {spans}"]


def _span(counts: list[int]) -> str:
    least, most = min(counts), max(counts)
    return f"{least:,} each" if least == most else f"{least:,} to {most:,}"


def _prepared(dataset: Dataset) -> str:
    if dataset.train.images.dtype == np.int64:
        return "given to the network as they are"
    if len(dataset.mean) > 1:
        what = "feature" if len(dataset.shape) == 1 else "channel"
        return f"each {what} standardised by itself"
    mean, std = (np.asarray(values)[0] for values in (dataset.mean, dataset.std))
    return f"standardised by mean {mean:.4g} and standard deviation {std:.4g}"
