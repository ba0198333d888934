"""Which examples are copies of each other: found by a digest of their content."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.data.dataset import Part

Indices = NDArray[np.int64]


class Shared(NamedTuple):
    """How many examples of `part` are also in `other`."""

    part: str
    other: str
    copies: int
    of: int


class Copies(NamedTuple):
    """What a digest of every example tells about the parts of a dataset."""

    shared: tuple[Shared, ...]
    """What is tested on or chosen by, and is in another part as well."""
    contradicted: int
    """Different examples of which copies have different labels."""


def contents(*parts: Part) -> list[Indices]:
    """A number for each example, equal exactly where the examples are, across parts.

    Example:
        >>> images = np.array([[1, 2], [3, 4], [1, 2]], np.uint8)
        >>> contents(Part(images=images, labels=np.array([0, 1, 0])))
        [array([0, 1, 0])]
    """
    known: dict[bytes, int] = {}
    return [
        np.array(
            [known.setdefault(_digest(row), len(known)) for row in _rows(part)],
            np.int64,
        )
        for part in parts
    ]


def copies(parts: Mapping[str, Part]) -> Copies:
    """Compare all examples of the parts, by name: train, test, maybe validation."""
    found = dict(zip(parts, contents(*parts.values()), strict=True))
    pairs = (("test", "train"), ("validation", "train"), ("test", "validation"))
    counted = [
        Shared(
            one, other, int(np.isin(found[one], found[other]).sum()), len(found[one])
        )
        for one, other in pairs
        if one in found and other in found
    ]
    content = np.concatenate(list(found.values()))
    labels = np.concatenate([part.labels for part in parts.values()])
    # each content with each of its labels once, as one number: faster than rows
    kinds = np.unique(content * (labels.max() + 1) + labels) // (labels.max() + 1)
    return Copies(
        shared=tuple(pair for pair in counted if pair.copies),
        contradicted=int((np.bincount(kinds) > 1).sum()),
    )


def _rows(part: Part) -> NDArray[np.uint8]:
    return np.ascontiguousarray(part.images.reshape(len(part), -1)).view(np.uint8)


def _digest(row: NDArray[np.uint8]) -> bytes:
    return blake2b(row.data, digest_size=16).digest()
