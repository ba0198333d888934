"""Mean and standard deviation per channel, against float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from normlab.data.statistics import moments

IMAGES = st.tuples(st.integers(1, 6), st.integers(1, 3), *[st.integers(1, 4)] * 2)


@given(images=arrays(np.uint8, IMAGES))
def test_of_bytes_they_are_on_the_scale_of_one(images: NDArray) -> None:
    mean, std = moments(images)
    exact = images.astype(np.float64) / 255
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2, 3)), rtol=1e-12)
    deviation = exact.std(axis=(0, 2, 3))
    np.testing.assert_allclose(
        std, np.where(deviation < 1e-12, 1, deviation), rtol=1e-9
    )


@given(images=arrays(np.float32, IMAGES, elements=st.floats(-5, 5, width=16)))
def test_of_floats_they_are_on_their_own_scale(images: NDArray) -> None:
    mean, std = moments(images)
    exact = images.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2, 3)), atol=1e-12)
    deviation = exact.std(axis=(0, 2, 3))
    np.testing.assert_allclose(std, np.where(deviation == 0, 1, deviation), atol=1e-9)


@given(images=arrays(np.uint8, (130, 1, 2, 2)), seed=st.integers(0, 99))
def test_of_bytes_they_do_not_depend_on_the_order(images: NDArray, seed: int) -> None:
    shuffled = images[np.random.default_rng(seed).permutation(len(images))]
    assert moments(images) == moments(shuffled)


def test_a_large_mean_does_not_hide_a_small_deviation() -> None:
    """The one-pass formula in float32 gives 0, or a negative variance."""
    values = np.array([4000.0, 4000.5] * 500, np.float32).reshape(-1, 1, 1, 1)
    assert moments(values) == ((4000.25,), (0.25,))


def test_a_constant_channel_is_centred_but_not_divided() -> None:
    assert moments(np.full((3, 2, 2, 2), 255, np.uint8)) == ((1.0, 1.0), (1.0, 1.0))


def test_each_float_feature_has_its_own() -> None:
    table = np.array([[0, 100], [2, 300]], np.float32)
    assert moments(table) == ((1.0, 200.0), (1.0, 100.0))


@pytest.mark.parametrize("shape", [(4, 6), (4, 1, 2, 3)])
def test_flat_bytes_are_pixels_of_one_channel(shape: tuple[int, ...]) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(shape)
    assert moments(images) == moments(images.reshape(4, 1, 1, 6))
