"""Which axes an example has and what its numbers are: decided once, and said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.data.arrays import from_python
from normlab.data.describe import described
from normlab.data.reading import read_as
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Data

LABELS = np.arange(40) % 2
RNG = np.random.default_rng(3)


def shape_of(example: tuple[int, ...], **settings: Any) -> tuple[int, ...]:
    values = RNG.normal(size=(3, *example))
    return tuple(read_as(values, [], where="x", spec=Data(**settings)).shape)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((16, 16, 13), (13, 16, 16)),
        ((16, 16, 2), (2, 16, 16)),
        ((13, 16, 16), (13, 16, 16)),
        ((64, 8, 8), (64, 8, 8)),
        ((8, 8, 64), (64, 8, 8)),
        ((20, 30, 5), (5, 20, 30)),
        ((5, 20, 30), (5, 20, 30)),
        ((1, 9, 4), (1, 9, 4)),
        ((3, 3, 3), (3, 3, 3)),
        ((28, 28, 28), (1, 28, 28, 28)),
        ((9, 8, 7, 2), (2, 9, 8, 7)),
        ((6, 100), (6, 100)),
        ((100, 6), (6, 100)),
        ((28, 28), (1, 28, 28)),
    ],
)
def test_channels_are_the_axis_that_is_unlike_the_others_or_the_smallest(
    found: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert shape_of(found) == expected


@pytest.mark.parametrize("shape", [(16, 13, 16), (20, 5, 30), (8, 4, 16, 16)])
def test_where_it_is_not_plain_nothing_is_guessed(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadData, match=r"it is not plain which axis holds the channels"):
        shape_of(shape)


@pytest.mark.parametrize(
    ("axes", "found", "expected"),
    [
        ("chw", (16, 13, 16), (16, 13, 16)),
        ("hwc", (16, 13, 16), (16, 16, 13)),
        ("dhw", (8, 16, 16), (1, 8, 16, 16)),
        ("hw", (6, 100), (1, 6, 100)),
        ("lc", (6, 100), (100, 6)),
        ("cl", (100, 6), (100, 6)),
        ("l", (12,), (1, 12)),
        ("f", (64,), (64,)),
        ("hw", (64,), (1, 8, 8)),
        ("chw", (192,), (3, 8, 8)),
    ],
)
def test_axes_that_are_said_are_taken(
    axes: str, found: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert shape_of(found, axes=axes) == expected


def test_a_row_with_a_picture_is_unrolled_in_the_order_of_its_axes() -> None:
    picture = RNG.integers(0, 256, (40, 8, 8, 3), np.uint8)
    rows = picture.reshape(40, -1), LABELS
    planes = np.moveaxis(picture, 3, 1)
    read = from_python(rows, rows, spec=Data(axes="hwc")).train.images
    assert np.array_equal(read, planes)
    rows = planes.reshape(40, -1), LABELS
    read = from_python(rows, rows, spec=Data(axes="chw")).train.images
    assert np.array_equal(read, planes)


@pytest.mark.parametrize(
    ("axes", "shape", "text"),
    [
        ("chw", (8, 8), r"data\.axes=chw names 3 axes, but x has examples of shape"),
        ("f", (8, 8), "names 1 axes"),
        ("hw", (60,), "60 columns are no square picture"),
        ("chw", (64,), r"no square picture of 3 channels"),
    ],
)
def test_axes_that_do_not_fit_are_refused(
    axes: str, shape: tuple[int, ...], text: str
) -> None:
    with pytest.raises(BadSetting, match=text):
        shape_of(shape, axes=axes)


@pytest.mark.parametrize("columns", [64, 784, 16, 48, 192])
def test_columns_of_a_picture_share_one_mean_and_it_is_said(columns: int) -> None:
    x = RNG.integers(0, 256, (40, columns)).astype(np.float64)
    data = from_python((x, LABELS))
    assert (len(data.mean), data.train.images.dtype) == (1, np.uint8)
    assert f"{columns} columns of whole numbers" in described(data)["line"]
    apart = from_python((x, LABELS), spec=Data(axes="f"))
    assert (len(apart.mean), apart.train.images.dtype) == (columns, np.float32)


@pytest.mark.parametrize("columns", [2, 4, 9, 12, 15, 16, 48])
def test_a_table_of_bytes_and_flags_has_a_mean_for_each_column(columns: int) -> None:
    x = RNG.integers(0, 256, (40, columns), np.uint8)
    x[:, 1] %= 2
    data = from_python((x, LABELS), (x, LABELS))
    assert len(data.mean) == columns
    assert 0.3 < data.std[1] <= 0.5


def test_with_a_mean_that_is_given_numbers_stay_on_their_scale() -> None:
    codes = RNG.integers(0, 5, (40, 16))
    data = from_python((codes, LABELS), (codes, LABELS), spec=Data(mean=(0,), std=(1,)))
    assert np.array_equal(data.train.images, codes)
    assert data.train.images.dtype == np.float32


def test_whole_numbers_reach_the_network_as_they_are_where_this_is_asked() -> None:
    tokens = RNG.integers(0, 30_000, (40, 11)).astype(np.float64)
    spec = Data(integers=True)
    data = from_python((tokens, LABELS), (tokens, LABELS), spec=spec)
    assert data.train.images.dtype == np.int64
    assert (data.mean, data.std) == ((0.0,), (1.0,))
    assert np.array_equal(data.train.images, tokens)
    assert "given to the network as they are" in described(data)["line"]
    with pytest.raises(BadSetting, match=r"data\.integers is for whole numbers"):
        from_python((tokens + 0.5, LABELS), spec=spec)


def test_a_part_of_another_scale_is_refused() -> None:
    pixels = RNG.integers(0, 256, (40, 8, 8), np.uint8)
    with pytest.raises(BadData, match="test images holds float64 images"):
        from_python((pixels, LABELS), (pixels / 255, LABELS))


def test_numbers_are_pixels_only_where_those_of_all_parts_are() -> None:
    x = RNG.integers(0, 256, (40, 8, 8))
    beyond = x.copy()
    beyond[3, 2, 1] = 256
    assert from_python((x, LABELS), (x, LABELS)).train.images.dtype == np.uint8
    data = from_python((x, LABELS), (beyond, LABELS))
    assert data.train.images.dtype == data.test.images.dtype == np.float32


@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    kind=st.sampled_from(["u1", "i8", "f8", "?"]),
)
def test_every_shape_is_read_or_refused_and_no_number_is_lost(
    shape: list[int], kind: str
) -> None:
    values = np.arange(4 * int(np.prod(shape))).reshape(4, *shape).astype(kind)
    try:
        reading = read_as(values, [], where="x", spec=Data())
    except BadData:  # not plain which axis holds the channels
        return
    laid = reading.laid_out(values)
    assert laid.shape == (4, *reading.shape)
    assert np.array_equal(np.sort(laid.ravel()), np.sort(values.ravel()))
