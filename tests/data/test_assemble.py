"""What every source goes through on its way to a dataset."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from normlab.data.assemble import Found, LabeledImages, RereadSource, assemble
from normlab.data.statistics import moments
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Data

from .files import digits


def pair(n: int, part: str, **look) -> LabeledImages:
    return LabeledImages(*digits(n, **look), f"x_{part}", f"y_{part}")


def source(**changes) -> Found:
    parts = {"train": pair(30, "train"), "test": pair(9, "test")}
    return Found(name="mine", **(parts | changes))


def test_validation_images_are_held_out_of_the_training_part() -> None:
    data = assemble(source(), Data(validation=6))
    assert data.validation is not None
    assert (len(data.train), len(data.validation), len(data.test)) == (24, 6, 9)
    first = data.train.images[:, 0, 1, 1], data.validation.images[:, 0, 1, 1]
    assert sorted(np.concatenate(first)) == list(range(30))
    assert np.bincount(data.validation.labels).tolist() == [2, 2, 2]


def test_mean_and_std_are_of_the_images_that_train() -> None:
    data = assemble(source(), Data(validation=6))
    assert (data.mean, data.std) == moments(data.train.images)
    assert data.mean != assemble(source(), Data()).mean


def test_given_mean_and_std_are_used() -> None:
    data = assemble(source(), Data(mean=(0.1,), std=(0.2,)))
    assert (data.mean, data.std) == ((0.1,), (0.2,))


def test_mean_and_std_must_fit_the_channels() -> None:
    with pytest.raises(BadSetting, match=r"data\.mean has 3 numbers, but the images"):
        assemble(source(), Data(mean=(0.1,) * 3, std=(0.2,) * 3))


def test_classes_are_named_by_their_labels() -> None:
    images, _ = digits(30)
    labels = np.array(["hen", "cat", "dog"] * 10)
    test = LabeledImages(images, labels, "x_test", "y_test")
    data = assemble(source(train=test._replace(labels_where="y"), test=test), Data())
    assert data.classes == ("cat", "dog", "hen")
    assert data.train.labels[:3].tolist() == [2, 0, 1]


def test_a_label_for_every_image_is_needed() -> None:
    train = LabeledImages(digits(30)[0], digits(29)[1], "x_train", "y_train")
    with pytest.raises(BadData, match="x_train holds 30 images but y_train 29 labels"):
        assemble(source(train=train), Data())


def test_test_images_must_look_like_training_images() -> None:
    with pytest.raises(BadData, match=r"x_test holds uint8 images of shape \(5, 5\)"):
        assemble(source(test=pair(9, "test", side=5)), Data())
    images, labels = digits(9)
    floats = LabeledImages(images / 255, labels, "x_test", "y_test")
    with pytest.raises(
        BadData, match=r"x_test holds float64 images .* are uint8 images"
    ):
        assemble(source(test=floats), Data())


def test_one_class_is_refused() -> None:
    with pytest.raises(BadData, match=r"y_train holds one class only \(0\)"):
        assemble(source(train=pair(30, "train", classes=1)), Data())


def test_too_many_validation_images_are_refused() -> None:
    with pytest.raises(BadSetting, match=r"data\.validation=30 of 30 training images"):
        assemble(source(), Data(validation=30))


def test_fewer_images_can_be_trained_on_in_their_classes_proportions() -> None:
    data = assemble(source(), Data(validation=6, training=9))
    assert (len(data.train), len(data.test)) == (9, 9)
    assert np.bincount(data.train.labels).tolist() == [3, 3, 3]
    whole = assemble(source(), Data(validation=6))
    assert data.validation is not None and whole.validation is not None
    # what is held out does not depend on how much is used of the rest
    assert np.array_equal(data.validation.images, whole.validation.images)
    assert (data.mean, data.std) == moments(data.train.images)


@pytest.mark.parametrize(
    ("training", "text"),
    [
        (31, r"data\.training=31, but there are 30 training images"),
        (2, r"data\.training=2 leaves no image of class \w+\. Use more"),
    ],
)
def test_a_number_of_training_images_that_does_not_fit_is_refused(
    training: int, text: str
) -> None:
    with pytest.raises(BadSetting, match=text):
        assemble(source(), Data(training=training))


def test_binarized_images_are_black_and_white() -> None:
    data = assemble(source(), Data(binarize=True, validation=6))
    assert data.validation is not None
    for part in (data.train, data.test, data.validation):
        assert part.images.dtype == np.uint8
        assert set(np.unique(part.images)) <= {0, 255}
    grey = assemble(source(), Data(validation=6)).test.images
    assert np.array_equal(data.test.images == 255, grey > 127.5)


def test_only_bytes_can_be_binarized() -> None:
    images, labels = digits(30)
    floats = LabeledImages(images / 255, labels, "x", "y")
    with pytest.raises(BadSetting, match=r"data\.binarize is for images of bytes"):
        assemble(source(train=floats, test=floats), Data(binarize=True))


def test_images_that_are_read_anew_cannot_be_binarized() -> None:
    readings = cast("RereadSource", object())
    with pytest.raises(BadSetting, match=r"binarize and data\.augment=live do not go"):
        assemble(source(readings=readings), Data(binarize=True))
