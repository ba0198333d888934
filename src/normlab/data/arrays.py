"""Data given from Python: pairs of arrays, and any map-style torch Dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.base.streams import ambient
from normlab.data.assemble import Pair, Source, assemble
from normlab.data.coerce import as_images
from normlab.data.dataset import Dataset, Live, Part
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Data

_TRIED = 8  # samples read twice: of a coin-flip augmentation two would miss a quarter


def from_python(
    train: Any, test: Any = None, *, spec: Data | None = None, spare: int = 0
) -> Dataset:
    """A dataset of objects at hand.

    A dataset that gives other images when read again is augmented. Then
    `spec.augment` must say what is meant: "freeze" reads it once and learns these
    images in every epoch; "live" reads it anew for every epoch, at the address
    (seed, "augment", epoch), so that twins see the same images. The test part,
    and images held out of an augmented training part, are always read once.

    Args:
        train: A pair (images, labels) of arrays or tensors, or an object with
            `len` and items (image, label), such as a torch Dataset.
        test: The same for the test; if there is none, a fifth of every class.
        spec: `augment`, `validation`, `mean` and `std`.
        spare: Images to hold out where `spec` leaves that open (see `assemble`).

    Raises:
        BadData: If an object is of no such kind, is augmented and nothing was
            chosen, or its images and labels cannot be used.
        BadSetting: If `spec` asks for what arrays cannot give.

    Example:
        >>> images = np.arange(160, dtype=np.uint8).reshape(10, 4, 4)
        >>> data = from_python((images, [0, 1] * 5))
        >>> len(data.train), len(data.test), data.shape, data.classes
        (8, 2, (1, 4, 4), ('0', '1'))
    """
    spec = spec or Data()
    for key in ("image_size", "colour"):
        if getattr(spec, key) is not None:
            raise BadSetting(f"data.{key} is for image folders, not for arrays.")
    if isinstance(train, Dataset):
        raise BadData("the training part is a whole Dataset; give it as data instead.")
    pair, readings = _pair(train, "train", spec)
    tested = None if test is None else _pair(test, "test", spec)[0]
    source = Source(name="python", train=pair, test=tested, readings=readings)
    return assemble(source, spec, spare=spare)


def _pair(given: Any, part: str, spec: Data) -> tuple[Pair, _Readings | None]:
    if isinstance(given, (tuple, list)) and len(given) == 2:
        images, labels = _array(given[0]), _array(given[1])
        return Pair(images, labels, f"{part} images", f"{part} labels"), None
    items = hasattr(given, "__getitem__") and hasattr(given, "__len__")
    if not items or isinstance(given, Mapping):
        raise BadData(
            f"the {part} part is a {type(given).__name__}. Give a pair (images, "
            "labels) or a dataset with len() and items (image, label)."
        )
    if not len(given):
        raise BadData(f"the {part} part is empty. Give some images.")
    if _is_augmented(given, part) and spec.augment is None:
        raise BadData(
            f"the {part} part gives other images when read again, so it is augmented. "
            'Choose augment="freeze" (read once) or "live" (read anew each epoch).'
        )
    live = part == "train" and spec.augment == "live"
    if live:
        _check_repeatable(given)
    images, labels = _read(given, np.arange(len(given)), part, (0, "augment", 0))
    readings = _Readings(given) if live else None
    return Pair(images, labels, f"{part} images", f"{part} labels"), readings


@dataclass(frozen=True)
class _Readings:
    dataset: Any

    def of(self, indices: NDArray[np.int64], part: Part) -> Live:
        return Augmented(self.dataset, indices, part)


@dataclass(frozen=True, eq=False)  # by identity: arrays have no hash
class Augmented:
    """A dataset that is read anew for every epoch.

    Args:
        dataset: With `len` and items (image, label).
        indices: The items that train.
        part: One reading of them: the labels and the shape of every other one.
    """

    dataset: Any
    indices: NDArray[np.int64]
    part: Part

    def epoch(self, seed: int, epoch: int) -> Part:
        """The images of `epoch` for all runs of `seed`.

        Raises:
            BadData: If they have another shape or type than those read first.
        """
        address = (seed, "augment", epoch)
        images, _ = _read(self.dataset, self.indices, "train", address)
        images = as_images(images, where=f"train images of epoch {epoch}")
        first = self.part.images
        if (images.shape, images.dtype) != (first.shape, first.dtype):
            raise BadData(
                f"the train part gives {images.dtype} images of shape "
                f"{images.shape[1:]} in epoch {epoch}, but {first.dtype} ones of "
                f"{first.shape[1:]} before. Give images of one size and type."
            )
        return Part(images=images, labels=self.part.labels)


def _is_augmented(dataset: Any, part: str) -> bool:
    tried = np.unique(np.linspace(0, len(dataset) - 1, _TRIED).astype(np.int64))
    with ambient(0, "augment", "check"):  # one address: the second reading goes on
        once, _ = _samples(dataset, tried, part)
        again, _ = _samples(dataset, tried, part)
    return not _equal(once, again)


def _check_repeatable(dataset: Any) -> None:
    """Refuse a dataset whose draws do not come from the default generators."""
    tried = np.arange(min(_TRIED, len(dataset)))
    readings = []
    for _ in range(2):
        with ambient(0, "augment", "check"):
            readings.append(_samples(dataset, tried, "train")[0])
    if not _equal(*readings):
        raise BadData(
            "the train part draws from a generator of its own, so twins cannot see the "
            "same images. Let it draw from the default generators of torch, numpy or "
            'random, or choose augment="freeze".'
        )


def _equal(once: list[NDArray[Any]], again: list[NDArray[Any]]) -> bool:
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(once, again, strict=True)
    )


def _read(
    dataset: Any, indices: NDArray[np.int64], part: str, address: tuple[int | str, ...]
) -> tuple[NDArray[Any], NDArray[Any]]:
    with ambient(*address):
        images, labels = _samples(dataset, indices, part)
    for index, image in zip(indices, images, strict=True):
        if image.shape != images[0].shape:
            raise BadData(
                f"item {index} of the {part} part has shape {image.shape}, item "
                f"{indices[0]} {images[0].shape}. Give images of one size."
            )
    return np.stack(images), np.array(labels)


def _samples(
    dataset: Any, indices: NDArray[np.int64], part: str
) -> tuple[list[NDArray[Any]], list[Any]]:
    images, labels = [], []
    for index in indices.tolist():
        try:
            item = dataset[index]
        except Exception as error:  # whatever a user's dataset raises
            raise BadData(
                f"item {index} of the {part} part cannot be read "
                f"({type(error).__name__}: {' '.join(str(error).split())[:300]})."
            ) from error
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise BadData(
                f"item {index} of the {part} part is a {type(item).__name__}; "
                "it must be (image, label)."
            )
        images.append(_array(item[0]))
        labels.append(_array(item[1])[()])
    return images, labels


def _array(values: Any) -> NDArray[Any]:
    """An array of arrays, tensors on any device, PIL images, lists and numbers."""
    detach = getattr(values, "detach", None)
    try:
        return np.asarray(detach().cpu() if detach else values)
    except (TypeError, ValueError) as error:
        raise BadData(
            f"cannot make an array of a {type(values).__name__} ({error}). "
            "Give arrays or tensors."
        ) from None
