"""Copies of an example stay on one side of a split, or are counted and said."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.base.streams import numpy_stream
from normlab.data import split
from normlab.data.arrays import from_python
from normlab.data.copies import contents, copies
from normlab.data.dataset import Part
from normlab.data.describe import described
from normlab.spec.data import Data

LABELS = np.arange(60) % 2
RNG = np.random.default_rng(5)
IMAGES = RNG.integers(0, 256, (60, 4, 4), np.uint8)


@given(
    examples=st.lists(
        st.tuples(st.integers(0, 25), st.integers(0, 2)), min_size=12, max_size=80
    )
)
def test_no_copy_is_on_both_sides(examples: list[tuple[int, int]]) -> None:
    content, labels = np.array(examples).T
    sizes = np.bincount(labels, minlength=3)
    # each class has two or more different examples that no other class has
    own = [set(content[labels == k]) - set(content[labels != k]) for k in range(3)]
    if min(sizes) < 4 or min(map(len, own)) < 2:
        return
    for kept, held in (
        split.for_test(labels, classes="abc", where="x", content=content),
        split.for_validation(labels, 3, classes="abc", content=content),
    ):
        assert not set(content[kept]) & set(content[held])
        assert sorted([*kept, *held]) == list(range(len(labels)))
        assert len(held) and set(labels[kept]) == {0, 1, 2}


@given(labels=st.lists(st.integers(0, 3), min_size=20, max_size=60))
def test_without_copies_a_split_is_what_it_was(labels: list[int]) -> None:
    """The first of each class in an addressed order, as ever."""
    numbers = np.array(labels)
    if min(np.bincount(numbers, minlength=4)) < 2:
        return
    order = numpy_stream(0, "split", "test")
    expected = []
    for label in range(4):
        mine = order.permutation(np.flatnonzero(numbers == label))
        expected += mine[: max(1, (len(mine) + 2) // 5)].tolist()
    content = np.arange(len(numbers))
    _, held = split.for_test(numbers, classes="abcd", where="x", content=content)
    assert held.tolist() == sorted(expected)


def test_links_to_one_image_are_all_learnt_or_all_tested() -> None:
    """Five names of each of twelve images: not one may be on both sides."""
    images = np.repeat(IMAGES[:12], 5, axis=0)
    data = from_python((images, np.repeat(np.arange(12) % 2, 5)))
    assert (len(data.train), len(data.test)) == (50, 10)
    assert described(data)["copies"] == []


def test_held_out_images_are_no_copies_either() -> None:
    images = np.repeat(IMAGES, 3, axis=0)
    data = from_python((images, np.repeat(LABELS, 3)), spec=Data(validation=30))
    assert data.validation is not None
    assert abs(len(data.validation) - 30) <= 3
    assert described(data)["copies"] == []


def test_copies_across_given_parts_are_counted_and_said() -> None:
    data = from_python((IMAGES, LABELS), (IMAGES[:12], LABELS[:12]))
    told = described(data)
    assert "12 of 12 test images are also training images" in told["line"]
    assert told["copies"][0]["copies"] == 12


def test_one_image_with_two_labels_is_said() -> None:
    images = np.concatenate([IMAGES, IMAGES[:3]])
    data = from_python((images, np.concatenate([LABELS, 1 - LABELS[:3]])))
    assert "3 images are there with different labels" in described(data)["line"]


def test_tables_of_few_different_rows_can_still_be_split() -> None:
    rows = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 25, float)
    data = from_python((rows, np.logical_xor(*rows.T.astype(bool))))
    told = described(data)
    assert {len(set(map(tuple, p.images))) for p in (data.train, data.test)} == {2}
    assert told["copies"] == []


def test_where_all_examples_of_a_class_are_alike_it_is_split_and_said() -> None:
    rows = np.concatenate([np.zeros((20, 3)), RNG.normal(size=(20, 3))])
    data = from_python((rows, np.repeat([0, 1], 20)))
    assert "4 of 8 test examples are also training examples" in described(data)["line"]


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8", "i8"])
def test_contents_are_equal_exactly_where_examples_are(dtype: str) -> None:
    numbers = RNG.integers(0, 3, (50, 2, 2)).astype(dtype)
    part = Part(images=numbers, labels=np.zeros(50, np.int64))
    (found,) = contents(part)
    rows = numbers.reshape(50, -1)
    equal = (rows[:, np.newaxis] == rows).all(axis=2)
    assert np.array_equal(found[:, np.newaxis] == found, equal)


def test_as_many_images_as_mnist_has_take_no_time() -> None:
    images = RNG.integers(0, 256, (70_000, 784), np.uint8)
    labels = np.arange(70_000) % 10
    parts = {
        "train": Part(images=images[:60_000], labels=labels[:60_000]),
        "test": Part(images=images[60_000:], labels=labels[60_000:]),
    }
    start = time.process_time()
    assert copies(parts) == ((), 0)
    assert time.process_time() - start < 1.0
