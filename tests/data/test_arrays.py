"""Data from Python: pairs of arrays, torch datasets, augmented ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import TensorDataset

from normlab.base.streams import seeded
from normlab.data.arrays import from_python
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Data

from .files import digits


class Items(TorchDataset):
    """A map-style dataset of anything."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


class Noisy(TorchDataset):
    """Images that are their number plus noise of a generator."""

    draws: ClassVar[dict[str, Callable[[], float]]] = {
        "torch": lambda: torch.rand(()).item(),
        "numpy": lambda: np.random.rand(),  # noqa: NPY002
        "random": random.random,
    }

    def __init__(self, generator: str = "torch", n: int = 20) -> None:
        self.draw, self.n = self.draws[generator], n
        self.readings = 0

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        self.readings += 1
        return torch.full((1, 2, 2), index + self.draw()), index % 2


class Private(Noisy):
    """Noise of a generator that nobody else can seed."""

    draws: ClassVar = {"torch": np.random.default_rng(0).random}


LIVE, FREEZE = Data(augment="live"), Data(augment="freeze")
IMAGES, LABELS = digits(20, classes=2)


class Unreadable:
    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        if index == 3:
            raise OSError("3.png")
        return np.zeros((2, 2), np.uint8), index % 2


@pytest.mark.parametrize(
    "given",
    [
        (IMAGES, LABELS),
        [torch.from_numpy(IMAGES), torch.from_numpy(LABELS)],
        (IMAGES.tolist(), LABELS.tolist()),
        TensorDataset(torch.from_numpy(IMAGES), torch.from_numpy(LABELS)),
        Items(
            *((Image.fromarray(x), int(y)) for x, y in zip(IMAGES, LABELS, strict=True))
        ),
    ],
    ids=["arrays", "tensors", "lists", "TensorDataset", "PIL images"],
)
def test_the_same_images_give_the_same_dataset(given: Any) -> None:
    data = from_python(given, given)
    assert np.array_equal(data.train.images[:, 0], IMAGES)
    assert data.train.labels.tolist() == LABELS.tolist()
    assert (data.name, data.live) == ("python", None)


def test_tensors_that_require_gradients_are_understood() -> None:
    images = torch.ones(20, 3, requires_grad=True)
    assert from_python((images, LABELS)).shape == (3,)


def test_without_a_test_part_a_fifth_is_split_off() -> None:
    data = from_python((IMAGES, LABELS))
    assert (len(data.train), len(data.test)) == (16, 4)


@pytest.mark.parametrize("generator", ["torch", "numpy", "random"])
def test_an_augmented_dataset_needs_a_choice(generator: str) -> None:
    with pytest.raises(BadData, match=r'Choose augment="freeze" .* or "live"'):
        from_python(Noisy(generator))


def test_an_augmented_test_part_needs_a_choice_as_well() -> None:
    with pytest.raises(BadData, match="the test part gives other images when read"):
        from_python((IMAGES, LABELS), Noisy())


def test_a_dataset_with_nan_is_not_mistaken_for_an_augmented_one() -> None:
    items = Items(*((np.array([[np.nan]]), i % 2) for i in range(4)))
    with pytest.raises(BadData, match="train images holds nan in image 0"):
        from_python(items)


def test_frozen_images_are_read_once_and_always_the_same() -> None:
    dataset = Noisy()
    data = from_python(dataset, spec=FREEZE)
    again = from_python(dataset, spec=FREEZE)
    assert data.live is None
    assert data.digest == again.digest
    assert dataset.readings == 2 * (2 * 8 + 20)  # 8 tried twice, then 20 read


@pytest.mark.parametrize("generator", ["torch", "numpy", "random"])
def test_live_images_depend_on_seed_and_epoch_only(generator: str) -> None:
    live = from_python(Noisy(generator), spec=LIVE).live
    assert live is not None
    first = live.epoch(0, 1).images
    with seeded("elsewhere"):
        assert np.array_equal(live.epoch(0, 1).images, first)
    assert not np.array_equal(live.epoch(0, 2).images, first)
    assert not np.array_equal(live.epoch(1, 1).images, first)


def test_live_images_are_the_ones_that_train() -> None:
    data = from_python(Noisy(), spec=Data(augment="live", validation=4))
    assert data.live is not None
    epoch = data.live.epoch(0, 1)
    assert len(epoch) == len(data.train) == 12
    assert epoch.labels.tolist() == data.train.labels.tolist()
    numbers = np.floor(epoch.images[:, 0, 0, 0])
    assert np.array_equal(numbers, np.floor(data.train.images[:, 0, 0, 0]))


def test_live_images_must_keep_their_shape() -> None:
    dataset = Noisy()
    live = from_python(dataset, spec=LIVE).live
    assert live is not None
    dataset.__class__ = _Growing
    with pytest.raises(BadData, match=r"of shape \(1, 3, 3\) in epoch 1, but float32"):
        live.epoch(0, 1)


class _Growing(Noisy):
    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.zeros(1, 3, 3), 0


def test_live_images_of_a_private_generator_are_refused() -> None:
    with pytest.raises(BadData, match="draws from a generator of its own, so twins"):
        from_python(Private(), spec=LIVE)
    assert len(from_python(Private(), spec=FREEZE).train) == 16


X = np.zeros((1, 2, 2), np.float32)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (42, r"the train part is a int\. Give a pair \(images, labels\)"),
        (iter([(X, 0)]), "the train part is a list_iterator"),
        (Items(), "the train part is empty"),
        (
            Items({"image": X}),
            r"item 0 of the train part is a dict with image, and it is",
        ),
        (Items((X, 0), (X, 1, 2)), "item 1 of the train part is a tuple"),
        (Items((X, 0), (X[:, :1], 1)), r"item 1 .* shape \(1, 1, 2\), item 0"),
        ((IMAGES, LABELS[:5]), "train images holds 20 images but train labels 5"),
        (([[1, 2], [3]], [0, 1]), "cannot make an array of a list"),
        (from_python((IMAGES, LABELS)), "is a whole Dataset; give it as data"),
    ],
    ids=[
        "int",
        "iterator",
        "empty",
        "dict",
        "triple",
        "sizes",
        "counts",
        "ragged",
        "own",
    ],
)
def test_other_objects_are_refused(given: Any, text: str) -> None:
    with pytest.raises(BadData, match=text):
        from_python(given)


@pytest.mark.parametrize("setting", [{"image_size": 8}, {"color": True}])
def test_settings_of_image_folders_are_refused(setting: dict) -> None:
    with pytest.raises(BadSetting, match=r"is for image folders, not for arrays"):
        from_python((IMAGES, LABELS), spec=Data(**setting))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (Unreadable(), r"item 3 of the train part cannot be read \(OSError: 3\.png\)"),
        ({0: 1, 1: 2}, "the train part is a dict. Give a pair"),
    ],
)
def test_a_dataset_that_cannot_be_read_is_refused(given: object, text: str) -> None:
    with pytest.raises(BadData, match=text):
        from_python(given)
