"""What a network is given, against a slow oracle in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from normlab.data.dataset import Part
from normlab.data.feed import Feed
from normlab.errors import BadData

MEAN, STD = (0.1, 0.45, 0.9), (0.3, 0.2, 1.5)


def part_of(images: NDArray) -> Part:
    return Part(images=images, labels=np.arange(len(images), dtype=np.int64))


def oracle(images: NDArray, mean: tuple, std: tuple, largest: float) -> NDArray:
    """One number after the other, in float64."""
    expected = np.empty(images.shape)
    for place in np.ndindex(images.shape):
        channel = place[1] if len(mean) > 1 else 0
        value = float(images[place]) / largest
        expected[place] = (value - mean[channel]) / std[channel]
    return expected


def close(x: torch.Tensor, expected: NDArray) -> None:
    # largest term |x/std| or |mean/std| is below 20; three roundings of float32
    np.testing.assert_allclose(x.numpy(), expected, rtol=0, atol=3 * 20 * 2**-24)


@given(images=arrays(np.uint8, st.tuples(st.integers(1, 5), *[st.integers(1, 4)] * 3)))
def test_bytes_are_scaled_to_one_and_normalised(images: NDArray) -> None:
    x, y = Feed(part_of(images), (0.1307,), (0.3081,)).take(torch.arange(len(images)))
    close(x, oracle(images, (0.1307,), (0.3081,), 255.0))
    assert x.shape == images.shape
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)


@given(
    images=arrays(
        np.uint8, st.tuples(st.integers(1, 5), st.just(3), *[st.integers(1, 4)] * 2)
    )
)
def test_each_channel_has_its_mean_and_std(images: NDArray) -> None:
    x, _ = Feed(part_of(images), MEAN, STD).take(torch.arange(len(images)))
    close(x, oracle(images, MEAN, STD, 255.0))


@given(
    images=arrays(
        np.float32, (4, 3), elements=st.floats(-2, 2, width=32, allow_subnormal=False)
    )
)
def test_floats_are_normalised_as_they_are(images: NDArray) -> None:
    x, _ = Feed(part_of(images), MEAN, STD).take(torch.arange(4))
    close(x, oracle(images, MEAN, STD, 1.0))


def test_images_come_in_the_order_asked_for_with_their_labels() -> None:
    images = np.arange(6, dtype=np.float32).reshape(6, 1)
    x, y = Feed(part_of(images), (0.0,), (1.0,)).take(torch.tensor([4, 0, 4]))
    assert x[:, 0].tolist() == [4, 0, 4]
    assert y.tolist() == [4, 0, 4]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("size", [1, 3, 10, 64])
def test_chunks_are_all_images_in_order_and_bit_for_bit_as_taken(
    dtype: type, size: int
) -> None:
    values = np.random.default_rng(0).integers(0, 256, (10, 3, 5, 5))
    feed = Feed(part_of(values.astype(dtype)), MEAN, STD)
    xs, ys = zip(*feed.chunks(size), strict=True)
    x, y = feed.take(torch.arange(10))
    assert torch.equal(torch.cat(xs), x)
    assert torch.cat(ys).tolist() == y.tolist() == list(range(10))
    assert len(xs[0]) == min(size, 10)


def test_what_an_image_becomes_does_not_depend_on_its_batch() -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 1, 7, 7), np.uint8)
    feed = Feed(part_of(images), (0.1307,), (0.3081,))
    whole, _ = feed.take(torch.arange(9))
    for index in range(9):
        alone, _ = feed.take(torch.tensor([index]))
        assert torch.equal(alone[0], whole[index])


def test_a_batch_stays_as_it_is_when_the_next_is_taken() -> None:
    feed = Feed(part_of(np.eye(4, dtype=np.float32)), (0.0,), (1.0,))
    first, _ = feed.take(torch.tensor([0]))
    feed.take(torch.tensor([1]))
    assert first.tolist() == [[1, 0, 0, 0]]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_who_writes_to_a_batch_does_not_change_the_data(dtype: type) -> None:
    images = np.ones((4, 2), dtype)
    feed = Feed(part_of(images), (0.0,), (1.0,))
    feed.take(torch.tensor([0]))[0].zero_()
    for x, _ in feed.chunks(2):
        x.zero_()
    assert images.all()


def test_the_device_is_honoured() -> None:
    feed = Feed(part_of(np.ones((4, 2), np.uint8)), (0.0,), (1.0,), device="meta")
    x, y = feed.take(torch.tensor([0]))
    assert x.device.type == y.device.type == "meta"
    assert next(feed.chunks(2))[0].device.type == "meta"


@pytest.mark.parametrize(("mean", "std"), [((0.0,) * 2, (1.0,) * 2), ((0.0,), MEAN)])
def test_as_many_means_as_channels_are_needed(mean: tuple, std: tuple) -> None:
    with pytest.raises(BadData, match=r"\d means and \d standard deviations for"):
        Feed(part_of(np.ones((4, 3, 2, 2), np.uint8)), mean, std)
