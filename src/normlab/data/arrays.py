"""Data given from Python: arrays, tables, datasets with items, mappings of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from normlab.data.assemble import Found, LabeledImages, assemble
from normlab.data.dataset import Dataset
from normlab.data.formats.columns import is_frame, pair_of_frame
from normlab.data.formats.names import (
    chosen,
    named_classes,
    names_of,
    part_of,
    source_of,
)
from normlab.data.items import as_array, length, read_items
from normlab.data.live import Readings, check_repeatable, is_augmented
from normlab.data.oddities import oddities
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Axes, Data

_KINDS = (
    "Give a pair (images, labels), a table with a column of labels, or a dataset with "
    "len() and items (image, label)."
)


class _Found(NamedTuple):
    pair: LabeledImages
    notes: tuple[str, ...] = ()
    readings: Readings | None = None
    classes: Any = None
    axes: Axes | None = None


def from_given(given: Any, *, spec: Data, spare: int = 0) -> Dataset:
    """A dataset of one object: a training part, or training and test part together.

    Args:
        given: A whole `Dataset`; a part (see `from_python`); a pair (train, test) of
            parts; a mapping of parts by name (train, validation, test); or a mapping of
            arrays by usual names, such as x_train and y_train, or data and target.
        spec: `axes`, `integers`, `augment`, `validation`, `mean` and `std`.
        spare: Images to hold out where `spec` leaves that open (see `assemble`).

    Raises:
        BadData: If it is none of these, or cannot be used.
    """
    if isinstance(given, Dataset):
        return given.noted(*oddities(given))
    if isinstance(given, Mapping):
        return _from_mapping(given, spec=spec, spare=spare)
    if isinstance(given, tuple | list) and len(given) == 2 and not _is_pair(given):
        return from_python(given[0], given[1], spec=spec, spare=spare)
    if isinstance(given, tuple | list) and _are_arrays(given):
        raise BadData(
            f"the data is a {type(given).__name__} of {len(given)} arrays. Say which "
            "is which: ((x_train, y_train), (x_test, y_test))."
        )
    if isinstance(given, tuple) and len(given) == 3:
        raise BadData(
            "the data is a tuple of 3. Say which part is which: "
            '{"train": ..., "validation": ..., "test": ...}.'
        )
    return from_python(given, spec=spec, spare=spare)


def from_python(
    train: Any,
    test: Any = None,
    *,
    validation: Any = None,
    spec: Data | None = None,
    spare: int = 0,
) -> Dataset:
    """A dataset of objects at hand.

    A dataset that gives other images when read again is augmented. Then
    `spec.augment` must say what is meant: "freeze" reads it once and learns these
    images in every epoch; "live" reads it anew for every epoch, at the address
    (seed, "augment", epoch), so that twins see the same images. The test part,
    and images held out of an augmented training part, are always read once.

    Args:
        train: A pair (images, labels) of arrays or tensors; a table of pandas with a
            column of labels; or an object with `len` and items (image, label) or
            mappings of an image and a label, such as a torch Dataset.
        test: The same for the test; if there is none, a fifth of every class.
        validation: The same, to choose by.
        spec: `axes`, `integers`, `augment`, `validation`, `mean` and `std`.
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
    _refuse_settings(spec)
    given = {"train": train, "test": test, "validation": validation}
    found = {
        part: _part(value, part, spec)
        for part, value in given.items()
        if value is not None
    }
    first = found["train"]
    source = Found(
        name="python",
        train=first.pair,
        test=found["test"].pair if "test" in found else None,
        validation=found["validation"].pair if "validation" in found else None,
        classes=named_classes(first.classes, first.pair) if first.classes else None,
        readings=first.readings,
        axes=first.axes,
        notes=tuple(
            dict.fromkeys(note for one in found.values() for note in one.notes)
        ),
    )
    return assemble(source, spec, spare=spare)


def _from_mapping(given: Mapping[Any, Any], *, spec: Data, spare: int) -> Dataset:
    arrays = {str(key): value for key, value in given.items()}
    if chosen(arrays):
        _refuse_settings(spec)
        used = set(chosen(arrays).values())
        plain = {k: as_array(v) if k in used else v for k, v in arrays.items()}
        source = source_of(plain, name="python", where="the mapping")
        return assemble(source, spec, spare=spare)
    parts: dict[str, Any] = {}
    others = []
    for key, value in arrays.items():
        part = part_of(key)
        if part is None or part in parts:
            others.append(key)
        else:
            parts[part] = value
    if "train" not in parts:
        raise BadData(
            f"the data is a mapping with {', '.join(arrays) or 'nothing'}. Give train, "
            "and maybe validation and test; or arrays x_train and y_train."
        )
    dataset = from_python(
        parts["train"],
        parts.get("test"),
        validation=parts.get("validation"),
        spec=spec,
        spare=spare,
    )
    return dataset.noted(f"{', '.join(others)} passed over") if others else dataset


def _part(given: Any, part: str, spec: Data) -> _Found:
    if isinstance(given, Dataset):
        raise BadData(f"the {part} part is a whole Dataset; give it as data instead.")
    if isinstance(given, tuple | list) and len(given) == 2 and _is_pair(given):
        images, labels = as_array(given[0]), as_array(given[1])
        return _Found(LabeledImages(images, labels, f"{part} images", f"{part} labels"))
    if is_frame(given):
        pair, axes, notes = pair_of_frame(given, part)
        return _Found(pair, notes, axes=axes)
    if hasattr(given, "dataset") and hasattr(given, "batch_size"):
        raise BadData(
            f"the {part} part is a {type(given).__name__}, which makes batches of its "
            "own. Give its dataset: loader.dataset."
        )
    items = hasattr(given, "__getitem__") and hasattr(given, "__len__")
    if not items or isinstance(given, Mapping | str | bytes):
        raise BadData(f"the {part} part is a {type(given).__name__}. {_KINDS}")
    if not length(given, part):
        raise BadData(f"the {part} part is empty. Give some images.")
    return _of_items(given, part, spec)


def _of_items(given: Any, part: str, spec: Data) -> _Found:
    augmented = is_augmented(given, part)
    if augmented and spec.augment is None:
        raise BadData(
            f"the {part} part gives other images when read again, so it is augmented. "
            'Choose augment="freeze" (read once) or "live" (read anew each epoch).'
        )
    live = part == "train" and spec.augment == "live"
    if live:
        check_repeatable(given)
    read = read_items(given, np.arange(length(given, part)), part, (0, "augment", 0))
    words = {"train": "training"}.get(part, part)
    once = augmented and not live
    return _Found(
        LabeledImages(read.images, read.labels, f"{part} images", f"{part} labels"),
        notes=(*read.notes, *([f"augmented {words} images read once"] if once else [])),
        readings=Readings(given, read.images) if live else None,
        classes=_names_in(given),
        axes=read.axes,
    )


def _names_in(dataset: Any) -> Any:
    """The names of classes that a dataset knows: torchvision's, Hugging Face's."""
    for _ in range(4):  # subsets hold the dataset that knows
        for attribute in ("classes", "class_names"):
            names = getattr(dataset, attribute, None)
            if isinstance(names, list | tuple) and names:
                return names
        features = getattr(dataset, "features", None)
        if isinstance(features, Mapping):
            return names_of(features)
        dataset = getattr(dataset, "dataset", None)
    return None


def _are_arrays(given: Sequence[Any]) -> bool:
    return len(given) in (3, 4, 6) and all(getattr(one, "ndim", 0) for one in given)


def _is_pair(given: Any) -> bool:
    """Whether two objects are images and labels, and not two parts."""
    images, labels = given
    if is_frame(images) and is_frame(labels) and len(labels.columns) > 1:
        return False
    if hasattr(images, "ndim"):
        return True
    if getattr(labels, "ndim", 0):
        return True
    plain = isinstance(labels, list | tuple) and isinstance(images, list | tuple)
    return plain and all(map(_is_label, labels))


def _is_label(value: Any) -> bool:
    return getattr(value, "ndim", 0) == 0 and not isinstance(value, tuple | list | dict)


def _refuse_settings(spec: Data) -> None:
    for key in ("image_size", "color"):
        if getattr(spec, key) is not None:
            raise BadSetting(f"data.{key} is for image folders, not for arrays.")
