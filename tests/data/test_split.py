"""Held-out images: how many of each class, and always the same ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from normlab.data.split import for_test, for_validation
from normlab.errors import BadData, BadSetting

NAMES = ("cat", "dog", "hen", "cow", "pig")
LABELS = st.lists(st.integers(0, 4), min_size=20, max_size=120).map(np.array)


@given(labels=LABELS, part=st.floats(0.05, 0.6))
def test_validation_takes_each_class_in_proportion(
    labels: np.ndarray, part: float
) -> None:
    count = round(len(labels) * part)
    sizes = np.bincount(labels)
    assume(count >= 1 and (sizes[sizes > 0] >= 4).all())
    train, held = for_validation(labels, count, classes=NAMES)
    assert len(held) == count
    taken = np.bincount(labels[held], minlength=len(sizes))
    assert (np.abs(taken - count * sizes / len(labels)) < 1).all()
    assert sorted([*train, *held]) == list(range(len(labels)))


@given(labels=LABELS)
def test_the_test_part_is_a_fifth_of_every_class(labels: np.ndarray) -> None:
    sizes = np.bincount(labels)
    assume((sizes != 1).all())
    train, held = for_test(labels, classes=NAMES, where="x")
    taken = np.bincount(labels[held], minlength=len(sizes))
    assert (taken[sizes > 0] >= 1).all()
    assert (np.abs(taken - sizes / 5) <= 0.8).all()
    assert sorted([*train, *held]) == list(range(len(labels)))


def test_the_split_is_always_the_same() -> None:
    labels = np.arange(40) % 2
    assert for_test(labels, classes=NAMES, where="x")[1].tolist() == (
        for_test(labels, classes=NAMES, where="y")[1].tolist()
    )
    assert for_validation(labels, 8, classes=NAMES)[1].tolist() == (
        for_validation(labels, 8, classes=NAMES)[1].tolist()
    )


def test_images_keep_their_order() -> None:
    for part in for_validation(np.arange(40) % 3, 9, classes=NAMES):
        assert (np.diff(part) > 0).all()


@pytest.mark.parametrize("count", [-1, 0, 20, 10**8])
def test_an_absurd_number_is_refused(count: int) -> None:
    with pytest.raises(BadSetting, match=rf"data.validation={count} of 20 training"):
        for_validation(np.arange(20) % 2, count, classes=NAMES)


def test_a_class_may_not_lose_all_its_images() -> None:
    with pytest.raises(BadSetting, match=r"takes all 1 of class dog\. Use fewer"):
        for_validation(np.array([0] * 9 + [1]), 9, classes=NAMES)


def test_a_class_with_one_image_cannot_be_split() -> None:
    with pytest.raises(BadData, match="photos: class dog has one image"):
        for_test(np.array([0, 0, 1]), classes=NAMES, where="photos")
