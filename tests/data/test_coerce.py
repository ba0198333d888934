"""Arrays as found become arrays of a part, or are refused with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from normlab.data.coerce import as_images, checked
from normlab.data.labels import as_labels, classes_of, numbered
from normlab.data.reading import read_as
from normlab.errors import BadData
from normlab.spec.data import Data


def taken(values: np.ndarray, *, where: str = "x") -> np.ndarray:
    """The array of a part that is made of these values alone."""
    checked(values, where=where)
    reading = read_as(values, [], where=where, spec=Data())
    return as_images(values, reading, where=where)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((5, 7), (5, 7)),
        ((5, 28, 28), (5, 1, 28, 28)),
        ((5, 3, 8, 9), (5, 3, 8, 9)),
        ((5, 8, 9, 3), (5, 3, 8, 9)),
        ((5, 8, 9, 1), (5, 1, 8, 9)),
        ((5, 3, 8, 3), (5, 3, 8, 3)),
        ((5, 2, 6, 7, 8), (5, 2, 6, 7, 8)),
    ],
)
def test_channels_come_first(found: tuple, expected: tuple) -> None:
    assert taken(np.zeros(found, np.uint8)).shape == expected


@pytest.mark.parametrize("found", ["u1", "?", "i2", "i8", "f4", "f8"])
def test_whole_numbers_from_0_to_255_are_bytes_where_there_is_an_image(
    found: str,
) -> None:
    images = taken(np.ones((2, 3, 3), found))
    assert images.dtype == np.uint8
    assert images.all()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("u1", "f4"),
        ("?", "f4"),
        ("i2", "f4"),
        ("i8", "f8"),
        ("f2", "f4"),
        ("f4", "f4"),
        (">f4", "f4"),
        ("f8", "f8"),
    ],
)
def test_features_are_of_as_many_digits_as_were_found(
    found: str, expected: str
) -> None:
    table = taken(np.ones((2, 3), found))
    assert table.dtype == np.dtype(expected)
    assert table.all()


def test_moving_the_channels_keeps_every_pixel() -> None:
    last = np.arange(120, dtype=np.uint8).reshape(2, 5, 4, 3)
    first = taken(last)
    assert first.flags.c_contiguous
    assert first[1, 2, 4, 3] == last[1, 4, 3, 2] == 119


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_what_may_not_be_written_to_is_copied(dtype: type) -> None:
    fixed = np.ones((2, 3), dtype)
    fixed.flags.writeable = False
    assert taken(fixed).flags.writeable


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_not_finite_is_refused_with_its_image(value: float) -> None:
    images = np.zeros((4, 2, 2))
    images[2, 0, 1] = value
    with pytest.raises(BadData, match=r"x_train holds \S+ in image 2\. Give finite"):
        taken(images, where="x_train")


def test_large_finite_numbers_are_not_mistaken_for_infinite_ones() -> None:
    images = np.full((1000, 10), 3e38)
    assert np.isfinite(taken(images)).all()


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (np.zeros((2, 3), complex), r"x holds complex128, not numbers"),
        (np.array([["a", "b"]]), "x holds <U1, not numbers"),
        (np.array([[None]]), "x holds Python objects, not numbers"),
        (np.zeros(3), r"x has shape \(3,\); the first axis counts the images"),
        (np.zeros((0, 4, 4)), r"x is empty \(shape \(0, 4, 4\)\)"),
        (np.zeros((4, 0)), "x is empty"),
    ],
)
def test_other_arrays_are_no_images(images: np.ndarray, text: str) -> None:
    with pytest.raises(BadData, match=text):
        taken(images)


@pytest.mark.parametrize(
    "labels",
    [[0, 1, 2], [[0], [1], [2]], [0.0, 1.0, 2.0], ["a", "b", "c"], [False, True, True]],
)
def test_labels_are_whole_numbers_or_words(labels: list) -> None:
    assert as_labels(np.array(labels), where="y").shape == (3,)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (np.eye(3), r"y has shape \(3, 3\); give one label .*argmax"),
        (np.array([[1, 1, 0], [0, 1, 0]]), "an example has several labels or none"),
        (np.array([[0.2, 1.5]]), "there are 2 numbers for each example, as for a reg"),
        (
            np.array([0.5, 1.0]),
            r"y holds fractions \(0\.5\); a label is a whole number",
        ),
        (np.array([np.nan, 1.0]), "y holds nan for example 0: its class is unknown"),
        (np.array([1.0, np.inf, np.nan]), "y holds inf for example 1 and 1 more"),
        (np.array([0.0, 1e300]), r"y holds 1e\+300, which is too large for a label"),
        (np.array(["a", float("nan")], object), "y has no label for example 1"),
        (np.array(["a", 1], object), r"y holds Python objects \(int, str\)"),
        (np.array([b"\xff", b"a"]), "y holds bytes that are no text in UTF-8"),
        (np.array([1j, 2]), r"y holds complex128\. Give whole numbers or class names"),
        (np.array([None, 1]), r"y has no label for example 0 \(None\)"),
        (np.array(3), r"y has shape \(\)"),
    ],
)
def test_other_arrays_are_no_labels(labels: np.ndarray, text: str) -> None:
    with pytest.raises(BadData, match=text):
        as_labels(labels, where="y")


@pytest.mark.parametrize("labels", [np.zeros(4, int), np.array(["dog"] * 3)])
def test_one_class_is_refused(labels: np.ndarray) -> None:
    with pytest.raises(BadData, match=r"y holds one class only \(0|dog\)"):
        classes_of(labels, where="y")


def test_any_labels_are_numbered_from_0_in_their_order() -> None:
    labels = np.array([-5, 30, 7, 30])
    classes = classes_of(labels, where="y")
    numbers = numbered(labels, classes, where="y")
    assert numbers.tolist() == [0, 2, 1, 2]
    assert numbers.dtype == np.int64


def test_a_label_that_is_never_learnt_is_refused() -> None:
    with pytest.raises(BadData, match="y_test holds the label 9, which no training"):
        numbered(np.array([1, 9]), np.array([1, 2]), where="y_test")


def test_no_labels_at_all_are_called_empty() -> None:
    with pytest.raises(BadData, match=r"^y is empty"):
        classes_of(np.array([], np.int64), where="y")


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "g", "i1", "u8", "?", "O"])
def test_whole_numbers_of_any_type_are_the_same_labels(kind: str) -> None:
    found = as_labels(np.array([0, 1, 1, 0]).astype(kind), where="y")
    assert found.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "g"])
def test_the_largest_number_of_a_type_is_a_label_or_refused(kind: str) -> None:
    largest = np.longdouble(np.finfo(kind).max)
    labels = np.array([0, largest]).astype(kind)
    if largest < 2**63:
        assert as_labels(labels, where="y").tolist() == [0, int(largest)]
    else:
        with pytest.raises(BadData, match="too large for a label"):
            as_labels(labels, where="y")


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, np.datetime64("NaT")])
@pytest.mark.parametrize("others", [["cat", "dog"], [0, 1], [b"cat", b"dog"]])
def test_a_missing_label_is_named_by_its_place(missing: Any, others: list) -> None:
    labels = np.array([*others, missing, *others], object)
    with pytest.raises(BadData, match=r"y has no label for example 2 "):
        as_labels(labels, where="y")


@pytest.mark.parametrize("word", ["", " ", "nan", "<NA>", "null"])
def test_a_word_for_no_label_is_no_class(word: str) -> None:
    with pytest.raises(BadData, match="y has no label for example 1 "):
        as_labels(np.array(["cat", word, "dog"]), where="y")


@pytest.mark.parametrize("kind", ["i8", "u8", "f4", "f8"])
def test_integers_are_kept_or_refused(kind: str) -> None:
    ends = np.iinfo(kind) if kind[0] in "iu" else np.finfo(kind)
    values = np.array([[0, 1], [2, ends.max]], kind)
    reading = read_as(values, [], where="x", spec=Data(integers=True))
    if ends.max < 2**63:
        assert as_images(values, reading, where="x").tolist() == values.tolist()
    else:
        with pytest.raises(BadData, match="x holds"):
            as_images(values, reading, where="x")
