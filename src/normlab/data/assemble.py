"""What every source goes through: checks, held-out images, mean and std."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from normlab.data import split
from normlab.data.binary import binarised
from normlab.data.coerce import as_images, as_labels, classes_of, numbered
from normlab.data.dataset import Dataset, Live, Part
from normlab.data.statistics import moments
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Data

LARGEST_SPARE = 6  # a sixth of the training part, unless a number was given


class Pair(NamedTuple):
    """Images and labels as found, with the names that errors call them."""

    images: NDArray[Any]
    labels: NDArray[Any]
    images_where: str
    labels_where: str


class Readings(Protocol):
    """A training part that is read anew for every epoch."""

    def of(self, indices: NDArray[np.int64], part: Part) -> Live:
        """The reading of only the images at `indices`, which `part` holds."""
        ...


@dataclass(frozen=True, kw_only=True)
class Source:
    """What was found, before anything is checked or held out."""

    name: str
    train: Pair
    test: Pair | None = None  # None: a fifth of the training images
    validation: Pair | None = None
    classes: tuple[str, ...] | None = None  # then the labels number them
    readings: Readings | None = None
    notes: tuple[str, ...] = ()  # what was guessed, left out or passed over


def assemble(source: Source, spec: Data, *, spare: int = 0) -> Dataset:
    """Check what was found and make the dataset of it.

    Mean and std are those of the images that train: held-out images have no part
    in them, as they will have none in training.

    Args:
        source: What was found.
        spec: How it is cut and prepared.
        spare: Images to hold out where `spec` leaves it open and the source brings
            none; at most a sixth of those that train.

    Raises:
        BadData: If images, labels or classes cannot be used; says where and why.
        BadSetting: If `spec` asks for what the source cannot give.
    """
    labels = as_labels(source.train.labels, where=source.train.labels_where)
    classes = classes_of(labels, where=source.train.labels_where)
    names = tuple(str(label) for label in classes)
    if source.classes is not None:
        classes, names = np.arange(len(source.classes)), source.classes
    train = _part(source.train, classes)
    kept = np.arange(len(train))
    if source.test is None:
        kept, held = split.for_test(
            train.labels, classes=names, where=source.train.labels_where
        )
        train, test = train.chosen(kept), train.chosen(held)
    else:
        test = _part(source.test, classes, like=train)
    if source.validation is None:
        validation = None
    else:
        validation = _part(source.validation, classes, like=train)
    if spec.validation and validation is not None:
        raise BadSetting(
            f"data.validation={spec.validation}, but {source.name} brings "
            f"{len(validation)} validation images of its own. Use 0."
        )
    count = spec.validation
    if count is None and validation is None:
        count = min(spare, len(train) // LARGEST_SPARE)
    if count:
        rest, held = split.for_validation(train.labels, count, classes=names)
        train, validation, kept = train.chosen(rest), train.chosen(held), kept[rest]
    if spec.training is not None:
        used = split.for_training(train.labels, spec.training, classes=names)
        train, kept = train.chosen(used), kept[used]
    if spec.binarise:
        if source.readings is not None:
            raise BadSetting(
                "data.binarise and data.augment=live do not go together: images that "
                "are read anew are used as they come. Binarise them in the source."
            )
        train, test = binarised(train), binarised(test)
        validation = validation and binarised(validation)
    mean, std = _normalisation(train, spec)
    return Dataset(
        name=source.name,
        train=train,
        test=test,
        validation=validation,
        classes=names,
        mean=mean,
        std=std,
        live=None if source.readings is None else source.readings.of(kept, train),
    )


def _part(pair: Pair, classes: NDArray[Any], like: Part | None = None) -> Part:
    images = as_images(pair.images, where=pair.images_where)
    labels = as_labels(pair.labels, where=pair.labels_where)
    if len(images) != len(labels):
        raise BadData(
            f"{pair.images_where} holds {len(images)} images but {pair.labels_where} "
            f"{len(labels)} labels. Give one label per image."
        )
    if like is not None:
        found, wanted = _kind(images), _kind(like.images)
        if found != wanted:
            raise BadData(
                f"{pair.images_where} holds {found}, but the training images are "
                f"{wanted}. Give images of one size and type."
            )
    return Part(
        images=images, labels=numbered(labels, classes, where=pair.labels_where)
    )


def _kind(images: NDArray[Any]) -> str:
    return f"{images.dtype} images of shape {images.shape[1:]}"


def _normalisation(
    train: Part, spec: Data
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if spec.mean is None or spec.std is None:
        return moments(train.images)
    channels = train.images.shape[1]
    for key, given in (("mean", spec.mean), ("std", spec.std)):
        if len(given) not in (1, channels):
            fitting = "one" if channels == 1 else f"1 or {channels}"
            raise BadSetting(
                f"data.{key} has {len(given)} numbers, but the images have {channels} "
                f"channel{'' if channels == 1 else 's'}. Give {fitting}."
            )
    return spec.mean, spec.std
