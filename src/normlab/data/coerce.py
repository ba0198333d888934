"""Arrays as they are found, as the arrays of a `Part`; or a clear refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.errors import BadData

# writable: torch warns of arrays that it may not write to
_LAYOUT = ("C_CONTIGUOUS", "WRITEABLE")


def as_images(values: NDArray[Any], *, where: str) -> NDArray[Any]:
    """Images as uint8 or float32, channels first.

    uint8 stays uint8; every other kind of number becomes float32. Of two axes the
    second counts features; of three, they are grey images; of four, the channels
    are the second axis, or the last one if that has 1, 3 or 4 entries and the
    second has not.

    Args:
        values: Any array with images along the first axis.
        where: What it is called in an error.

    Raises:
        BadData: If there are no images or no numbers, or one is not finite.

    Example:
        >>> as_images(np.zeros((5, 28, 28)), where="x").shape
        (5, 1, 28, 28)
    """
    if values.dtype.kind not in "buif":
        raise BadData(
            f"{where} holds {_kind(values)}, not numbers. Give uint8 pixels or floats."
        )
    if values.ndim < 2:
        raise BadData(
            f"{where} has shape {values.shape}; the first axis counts the images and "
            "an image needs at least one more."
        )
    if not values.size:
        raise BadData(f"{where} is empty (shape {values.shape}). Give some images.")
    if values.ndim == 3:
        values = values[:, np.newaxis]
    elif values.ndim == 4 and _channels_last(values.shape):
        values = np.moveaxis(values, 3, 1)
    if values.dtype in (np.uint8, np.bool_):
        return np.require(values, np.uint8, _LAYOUT)
    return _finite(values, where=where)


def _finite(values: NDArray[Any], *, where: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # becomes infinite and is refused below
        images = np.require(values, np.float32, _LAYOUT)
    # a sum is not finite if a number is not: no array of truth values is needed
    if not np.isfinite(images.sum(dtype=np.float64)):
        place = np.argwhere(~np.isfinite(images))[0]
        raise BadData(
            f"{where} holds {values[tuple(place)]} in image {place[0]}. "
            "Give finite numbers."
        )
    return images


def as_labels(values: NDArray[Any], *, where: str) -> NDArray[Any]:
    """Labels as one integer or one word per image.

    Args:
        values: Integers, whole floats or words, of shape (n,) or (n, 1).
        where: What it is called in an error.

    Raises:
        BadData: If they are anything else; one-hot rows and targets of a
            regression among them.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise BadData(
            f"{where} has shape {values.shape}; give one label per image "
            "(of one-hot rows: labels.argmax(axis=1))."
        )
    if values.dtype.kind == "f":
        whole = np.isfinite(values) & (values == np.floor(values))
        if not whole.all():
            raise BadData(f"{where} holds fractions; a label is a whole number.")
        values = values.astype(np.int64)
    if values.dtype.kind not in "buiU":
        raise BadData(
            f"{where} holds {_kind(values)}. Give whole numbers or class names."
        )
    return values


def classes_of(labels: NDArray[Any], *, where: str) -> NDArray[Any]:
    """The different labels of the training part, sorted.

    Raises:
        BadData: If there is but one, or none.
    """
    classes = np.unique(labels)
    if not len(classes):
        raise BadData(f"{where} is empty. Give at least one example of two classes.")
    if len(classes) < 2:
        raise BadData(
            f"{where} holds one class only ({', '.join(map(str, classes))}); there is "
            "nothing to tell apart. Give at least two."
        )
    return classes


def numbered(
    labels: NDArray[Any], classes: NDArray[Any], *, where: str
) -> NDArray[np.int64]:
    """Each label as its place in `classes`, from 0.

    Raises:
        BadData: If a label is not among the classes.

    Example:
        >>> numbered(np.array([7, 3, 7]), np.array([3, 7]), where="y")
        array([1, 0, 1])
    """
    strange = np.setdiff1d(labels, classes)
    if len(strange):
        raise BadData(
            f"{where} holds the label {strange[0]}, which no training image has. "
            "Give training images of every class."
        )
    return np.searchsorted(classes, labels).astype(np.int64)


def _kind(values: NDArray[Any]) -> str:
    return "Python objects" if values.dtype.hasobject else f"{values.dtype}"


def _channels_last(shape: tuple[int, ...]) -> bool:
    return shape[3] in (1, 3, 4) and shape[1] not in (1, 3, 4)
