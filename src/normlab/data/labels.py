"""Labels as they are found, as one class of each example; or a clear refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.data.words import type_of
from normlab.errors import BadData

_FEW = 10  # classes that may have one example each before they look like amounts


def as_labels(values: NDArray[Any], *, where: str) -> NDArray[Any]:
    """Labels as one integer or one word per example.

    Args:
        values: Integers, whole floats, truth values or words, of shape (n,) or (n, 1);
            words may also be bytes, or Python objects that are all texts.
        where: What it is called in an error.

    Raises:
        BadData: If they are anything else; one-hot rows, several labels for each
            example and targets of a regression among them.

    Example:
        >>> as_labels(np.array(["cat", "dog"], object), where="y")
        array(['cat', 'dog'], dtype='<U3')
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dtype.kind in "OT":  # T: NumPy's texts of any length
        values = _plain(values, where=where)
    if values.ndim != 1:
        raise BadData(f"{where} has shape {values.shape}; {_of_rows(values)}.")
    if values.dtype.kind == "S":
        values = _decoded(values, where=where)
    if values.dtype.kind == "f":
        values = _whole(values, where=where)
    if values.dtype.kind == "U":
        _refuse_blank(values, where=where)
    if values.dtype.kind not in "buiU":
        raise BadData(
            f"{where} holds {type_of(values)}. Give whole numbers or class names."
        )
    return values


def classes_of(labels: NDArray[Any], *, where: str) -> NDArray[Any]:
    """The different labels of the training part, sorted.

    Raises:
        BadData: If there is but one, or none, or hardly one is there twice.
    """
    classes = np.unique(labels)
    if not len(classes):
        raise BadData(f"{where} is empty. Give at least one example of two classes.")
    if len(classes) < 2:
        raise BadData(
            f"{where} holds one class only ({', '.join(map(str, classes))}); there is "
            "nothing to tell apart. Give at least two."
        )
    if len(classes) > _FEW and 2 * len(classes) > len(labels):
        raise BadData(
            f"{where} holds {len(classes)} different labels in {len(labels)} examples, "
            f"such as {classes[0]} and {classes[-1]}: these look like amounts or names "
            "of single examples, not classes. Give each class several examples; "
            "amounts can be cut into a few ranges."
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
    words = {labels.dtype.kind == "U", classes.dtype.kind == "U"}
    # NumPy would compare numbers with words as texts
    strange = labels if len(words) == 2 else np.setdiff1d(labels, classes)
    if len(strange):
        raise BadData(
            f"{where} holds the label {strange[0]}, which no training image has. "
            "Give training images of every class."
        )
    return np.searchsorted(classes, labels).astype(np.int64)


def _of_rows(values: NDArray[Any]) -> str:
    """What labels of several numbers each may be, and what to do about it."""
    if values.ndim == 2 and values.shape[1] > 1 and values.dtype.kind in "buif":
        if np.isin(values, (0, 1)).all():
            if (values.sum(axis=1) == 1).all():
                return (
                    "give one label per image (of one-hot rows: labels.argmax(axis=1))"
                )
            return (
                "an example has several labels or none, and normlab tells apart "
                "classes of which each example has one. Give one column of them"
            )
        return (
            f"there are {values.shape[1]} numbers for each example, as for a "
            "regression, and normlab tells classes apart. Give one label per image"
        )
    return "give one label per image"


def _plain(values: NDArray[Any], *, where: str) -> NDArray[Any]:
    """Objects that are all texts, all bytes or all numbers, as an array of these."""
    objects = values.astype(object).ravel()
    for i, value in enumerate(objects):
        if _is_missing(value):
            raise BadData(
                f"{where} has no label for example {i} ({value}). Leave such examples "
                "out, or give them a class of their own."
            )
    kinds = [str, bytes, (bool, int, float, np.number, np.bool_)]
    for kind in kinds:
        if all(isinstance(value, kind) for value in objects):
            found = np.array(objects.tolist())
            break
    else:
        found = values
    if not len(objects) or found.dtype.hasobject:
        names = sorted({type(value).__name__ for value in objects})
        raise BadData(
            f"{where} holds Python objects ({', '.join(names)}). Give whole numbers or "
            "class names."
        )
    return found.reshape(values.shape)


def _is_missing(value: Any) -> bool:
    """Whether it is None, or as nan and pandas' NA not known to be equal to itself."""
    try:
        return value is None or not bool(value == value)
    except TypeError:  # of NA, whose comparisons are neither true nor false
        return True
    except ValueError:  # of arrays
        return False


def _refuse_blank(values: NDArray[Any], *, where: str) -> None:
    unnamed = ("", "nan", "<na>", "null", "n/a", "#n/a")  # by other programs
    words = np.unique(values)
    for word in words.tolist():
        if word.strip().lower() in unnamed:
            place = np.flatnonzero(values == word)[0]
            raise BadData(
                f"{where} has no label for example {place} ({word!r}). Leave such "
                "examples out, or give their class a name."
            )


def _decoded(values: NDArray[Any], *, where: str) -> NDArray[Any]:
    try:
        return np.char.decode(values, "utf-8")
    except UnicodeDecodeError:
        raise BadData(
            f"{where} holds bytes that are no text in UTF-8. Give class names as texts."
        ) from None


def _whole(values: NDArray[Any], *, where: str) -> NDArray[np.int64]:
    values = values.astype(np.promote_types(values.dtype, np.float64))
    unknown = np.flatnonzero(~np.isfinite(values))
    if len(unknown):
        raise BadData(
            f"{where} holds {values[unknown[0]]} for example {unknown[0]}"
            f"{f' and {len(unknown) - 1} more' if len(unknown) > 1 else ''}: its class "
            "is unknown. Leave such examples out."
        )
    broken = np.flatnonzero(values != np.floor(values))
    if len(broken):
        raise BadData(
            f"{where} holds fractions ({values[broken[0]]}); a label is a whole number "
            "or a name. normlab tells classes apart and does not fit amounts."
        )
    largest = np.abs(values).max(initial=0)
    if largest >= 2**63:
        raise BadData(
            f"{where} holds {largest:g}, which is too large for a label. Number the "
            "classes from 0, or name them."
        )
    return values.astype(np.int64)
