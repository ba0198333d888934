"""Training data that gives other images when read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.base.streams import seeded
from normlab.data.coerce import as_images, checked
from normlab.data.dataset import Part, Reread
from normlab.data.items import as_array, length, read_items, samples
from normlab.data.reading import Reading
from normlab.errors import BadData

_TRIED = 8  # samples read twice: of a coin-flip augmentation two would miss a quarter


@dataclass(frozen=True)
class Readings:
    """A training part that is read anew for every epoch.

    Args:
        dataset: With `len` and items (image, label).
        first: Its images as they were read first.
    """

    dataset: Any
    first: NDArray[Any]

    def of(self, indices: NDArray[np.int64], part: Part, reading: Reading) -> Reread:
        """The reading of only the images at `indices`, which `part` holds."""
        look = (self.first.shape[1:], self.first.dtype.str)
        return Augmented(self.dataset, indices, part, reading, look)


@dataclass(frozen=True, eq=False)  # by identity: arrays have no hash
class Augmented:
    """A dataset that is read anew for every epoch.

    Args:
        dataset: With `len` and items (image, label).
        indices: The items that train.
        part: One reading of them: the labels and the type of every other one.
        reading: What the arrays are taken for.
        look: Shape and type of an image as the dataset gives it.
    """

    dataset: Any
    indices: NDArray[np.int64]
    part: Part
    reading: Reading
    look: tuple[tuple[int, ...], str]

    def epoch(self, seed: int, epoch: int) -> Part:
        """The images of `epoch` for all runs of `seed`.

        Raises:
            BadData: If they have another shape or type than those read first.
        """
        address = (seed, "augment", epoch)
        where = f"train images of epoch {epoch}"
        images = read_items(self.dataset, self.indices, "train", address).images
        checked(images, where=where)
        shape, kind = self.look
        if (images.shape[1:], images.dtype.str) != self.look:
            raise BadData(
                f"the train part gives {images.dtype} images of shape "
                f"{images.shape[1:]} in epoch {epoch}, but {np.dtype(kind)} ones of "
                f"{shape} before. Give images of one size and type."
            )
        images = as_images(images, self.reading, where=where)
        return Part(
            images=images.astype(self.part.images.dtype, copy=False),
            labels=self.part.labels,
        )


def is_augmented(dataset: Any, part: str) -> bool:
    """Whether a few items are other ones when read again."""
    tried = np.unique(
        np.linspace(0, length(dataset, part) - 1, _TRIED).astype(np.int64)
    )
    with seeded(0, "augment", "check"):  # one address: the second reading goes on
        once = samples(dataset, tried, part)[0]
        again = samples(dataset, tried, part)[0]
    return not _equal(once, again)


def check_repeatable(dataset: Any) -> None:
    """Refuse a dataset whose draws do not come from the default generators."""
    tried = np.arange(min(_TRIED, length(dataset, "train")))
    readings = []
    for _ in range(2):
        with seeded(0, "augment", "check"):
            readings.append(samples(dataset, tried, "train")[0])
    if not _equal(*readings):
        raise BadData(
            "the train part draws from a generator of its own, so twins cannot see the "
            "same images. Let it draw from the default generators of torch, numpy or "
            'random, or choose augment="freeze".'
        )


def _equal(once: list[Any], again: list[Any]) -> bool:
    pairs = zip(map(as_array, once), map(as_array, again), strict=True)
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)
