"""What every source goes through: checks, held-out images, mean and std."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from normlab.data import split
from normlab.data.coerce import as_images, checked
from normlab.data.copies import contents
from normlab.data.dataset import Dataset, Part, Reread
from normlab.data.images.binary import binarized
from normlab.data.labels import as_labels, classes_of, numbered
from normlab.data.oddities import oddities
from normlab.data.precision import narrowed
from normlab.data.reading import Reading, read_as, whole_bytes
from normlab.data.statistics import moments
from normlab.data.words import counted
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Axes, Data

LARGEST_SPARE = 6  # a sixth of the training part, unless a number was given


class LabeledImages(NamedTuple):
    """Images and labels as found, with the names that errors call them."""

    images: NDArray[Any]
    labels: NDArray[Any]
    images_where: str
    labels_where: str
    names: tuple[str, ...] = ()  # of the files, where each image has one


class RereadSource(Protocol):
    """A training part that is read anew for every epoch."""

    def of(self, indices: NDArray[np.int64], part: Part, reading: Reading) -> Reread:
        """The reading of only the images at `indices`, which `part` holds."""
        ...


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found, before anything is checked or held out."""

    name: str
    train: LabeledImages
    test: LabeledImages | None = None  # None: a fifth of the training images
    validation: LabeledImages | None = None
    classes: tuple[str, ...] | None = None  # then the labels number them
    readings: RereadSource | None = None
    axes: Axes | None = None  # of an example, where the source knows them
    notes: tuple[str, ...] = ()  # what was guessed, left out or passed over


def assemble(source: Found, spec: Data, *, spare: int = 0) -> Dataset:
    """Check what was found and make the dataset of it.

    Mean and std are those of the images that train: held-out images have no part
    in them, as they will have none in training. Copies of an image are held out
    together or not at all.

    Args:
        source: What was found.
        spec: How it is cut and prepared.
        spare: Images to hold out where `spec` leaves it open and the source brings
            none; at most a sixth of those that train.

    Raises:
        BadData: If images, labels or classes cannot be used; says where and why.
        BadSetting: If `spec` asks for what the source cannot give.
    """
    classes, names, unused = _classes(source)
    reading, found = _read(source, spec, classes)
    train, test, validation = (found.get(n) for n in ("train", "test", "validation"))
    assert train is not None
    notes = [*source.notes, *unused, *reading.notes]
    kept = np.arange(len(train))
    if test is None:
        (content,) = contents(train)
        kept, held = split.for_test(
            train.labels,
            classes=names,
            where=source.train.labels_where,
            content=content,
        )
        train, test = train.chosen(kept), train.chosen(held)
        whole = len(kept) + len(held)
        notes.append(f"no test part was found: {len(held):,} of {whole:,} split off")
    if spec.validation and validation is not None:
        raise BadSetting(
            f"data.validation={spec.validation}, but {source.name} brings "
            f"{len(validation)} validation images of its own. Use 0."
        )
    count = spec.validation
    if count is None and validation is None:
        count = min(spare, len(train) // LARGEST_SPARE)
    if count:
        (content,) = contents(train)
        rest, held = split.for_validation(
            train.labels, count, classes=names, content=content
        )
        train, validation, kept = train.chosen(rest), train.chosen(held), kept[rest]
        notes.append(f"{len(validation):,} training images held out to choose by")
    if spec.training is not None:
        used = split.for_training(train.labels, spec.training, classes=names)
        left = len(train) - len(used)
        train, kept = train.chosen(used), kept[used]
        notes.append(f"{left:,} training images not used (data.training)")
    if spec.binarize:
        if source.readings is not None:
            raise BadSetting(
                "data.binarize and data.augment=live do not go together: images that "
                "are read anew are used as they come. Binarise them in the source."
            )
        train, test = binarized(train), binarized(test)
        validation = validation and binarized(validation)
        notes.append("pixels made black or white")
    train, test, validation = narrowed(train, test, validation)
    mean, std = _normalisation(train, spec)
    readings = source.readings
    dataset = Dataset(
        name=source.name,
        train=train,
        test=test,
        validation=validation,
        classes=names,
        mean=mean,
        std=std,
        live=None if readings is None else readings.of(kept, train, reading),
        notes=tuple(notes),
        looks=str(reading),
    )
    files = source.train.names
    return dataset.noted(*oddities(dataset, [files[i] for i in kept] if files else []))


def _classes(source: Found) -> tuple[NDArray[Any], tuple[str, ...], list[str]]:
    """The labels that number the classes, their names, and what to say about them."""
    where = source.train.labels_where
    labels = as_labels(source.train.labels, where=where)
    if source.classes is None:
        classes = classes_of(labels, where=where)
        return classes, tuple(str(label) for label in classes), []
    found, names = set(classes_of(labels, where=where).tolist()), source.classes
    missing = [name for i, name in enumerate(names) if i not in found]
    told = [f"no training image of class {', '.join(missing)}"] if missing else []
    return np.arange(len(names)), names, told


def _read(
    source: Found, spec: Data, classes: NDArray[Any]
) -> tuple[Reading, dict[str, Part]]:
    """How all arrays are taken, and the parts that this makes of them."""
    given = {
        "train": source.train,
        "test": source.test,
        "validation": source.validation,
    }
    pairs = {name: pair for name, pair in given.items() if pair is not None}
    for pair in pairs.values():
        checked(pair.images, where=pair.images_where)
    images = {name: pair.images for name, pair in pairs.items()}
    reading = read_as(
        images.pop("train"),
        list(images.values()),
        where=source.train.images_where,
        spec=spec,
        known=source.axes,
        kept=source.readings is not None,
    )
    for pair in pairs.values():
        _refuse_other(pair, source.train, reading)
    return reading, {
        name: _part(pair, reading, classes) for name, pair in pairs.items()
    }


def _part(pair: LabeledImages, reading: Reading, classes: NDArray[Any]) -> Part:
    labels = as_labels(pair.labels, where=pair.labels_where)
    if len(pair.images) != len(labels):
        raise BadData(
            f"{pair.images_where} holds {len(pair.images)} images but "
            f"{pair.labels_where} {len(labels)} labels. Give one label per image."
        )
    return Part(
        images=as_images(pair.images, reading, where=pair.images_where),
        labels=numbered(labels, classes, where=pair.labels_where),
    )


def _refuse_other(pair: LabeledImages, train: LabeledImages, reading: Reading) -> None:
    """Refuse a part that is not of the training part's shape and scale."""
    found, wanted = pair.images, train.images
    same = found.shape[1:] == wanted.shape[1:]
    if same and not _other_scale(found, wanted):
        return
    raise BadData(
        f"{pair.images_where} holds {_kind(found)}, but the training images are "
        f"{_kind(wanted)}. Give images of one size and type."
    )


def _other_scale(found: NDArray[Any], wanted: NDArray[Any]) -> bool:
    """Whether one holds bytes and the other what no byte can be."""
    narrow = [a.dtype.kind == "b" or a.dtype == np.uint8 for a in (found, wanted)]
    if narrow[0] == narrow[1]:
        return False
    other = wanted if narrow[0] else found
    return not whole_bytes(other)


def _kind(images: NDArray[Any]) -> str:
    return f"{images.dtype} images of shape {images.shape[1:]}"


def _normalisation(
    train: Part, spec: Data
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if train.images.dtype == np.int64:
        return (0.0,), (1.0,)
    if spec.mean is None or spec.std is None:
        return moments(train.images)
    channels = train.images.shape[1]
    for key, given in (("mean", spec.mean), ("std", spec.std)):
        if len(given) not in (1, channels):
            fitting = "one" if channels == 1 else f"1 or {channels}"
            raise BadSetting(
                f"data.{key} has {len(given)} numbers, but the images have "
                f"{counted(channels, 'channel')}. Give {fitting}."
            )
    return spec.mean, spec.std
