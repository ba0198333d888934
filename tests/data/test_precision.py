"""Numbers of many digits reach the network as float64 says, or are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from normlab.data.arrays import from_python
from normlab.data.dataset import Dataset
from normlab.data.feed import Feed
from normlab.errors import BadData
from normlab.spec.data import Data

LABELS = np.arange(160) % 2
NORMAL = np.random.default_rng(1).normal(size=160)


def fed(data: Dataset) -> NDArray[np.float32]:
    feed = Feed(data.train, data.mean, data.std)
    taken = feed.take(torch.arange(160))[0].numpy()
    chunked = torch.cat([x for x, _ in feed.chunks(7)]).numpy()
    assert np.array_equal(taken, chunked)
    return taken


def of_table(table: NDArray, **settings) -> Dataset:
    return from_python((table, LABELS), (table, LABELS), spec=Data(**settings))


@given(
    offset=st.floats(-1e15, 1e15),
    size=st.floats(-12, 12).map(lambda e: 10.0**e),
    kind=st.sampled_from(["f4", "f8"]),
)
@example(offset=1.7e9, size=50.0, kind="f8")
@example(offset=2.0**24, size=1.0, kind="f4")
@example(offset=0.0, size=1e-44, kind="f8")
def test_every_feature_is_standardised_as_in_float64(
    offset: float, size: float, kind: str
) -> None:
    table = (offset + size * np.stack([NORMAL, np.sin(np.arange(160))], 1)).astype(kind)
    wide = table.astype(np.float64)
    deviation = wide.std(axis=0)
    constant = np.ptp(wide, axis=0) == 0
    # what the numbers of the table themselves cannot tell apart is not asked for
    digits = np.abs(wide).max(axis=0) * np.finfo(np.float64).eps
    told = constant | (deviation > 1e6 * digits)
    expected = (wide - wide.mean(axis=0)) / np.where(constant, 1, deviation)
    expected[:, constant] = 0
    np.testing.assert_allclose(
        fed(of_table(table))[:, told], expected[:, told], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    "column",
    [
        10**12 + np.arange(160),
        20240101 + np.arange(160),
        1_700_000_000 + np.arange(160) % 60,
        -(2**52) + np.arange(160),
    ],
)
def test_whole_numbers_far_from_zero_stay_apart(column: NDArray) -> None:
    found = fed(of_table(column[:, np.newaxis]))
    assert len(np.unique(found)) == len(np.unique(column))


def test_whole_numbers_that_float64_cannot_tell_apart_are_refused() -> None:
    column = 2**60 + np.arange(160)
    with pytest.raises(BadData, match=r"last digits would be lost\. Subtract"):
        of_table(column[:, np.newaxis])


def test_what_float32_holds_is_kept_in_it() -> None:
    table = np.stack([NORMAL, 5 + NORMAL], 1)
    data = of_table(table)
    assert data.train.images.dtype == np.float32
    assert np.array_equal(data.train.images, table.astype(np.float32))


def test_a_test_part_of_more_digits_counts_too() -> None:
    table = np.round(NORMAL[:, np.newaxis], 2)
    far = table + 1e5
    data = from_python((table, LABELS), (far, LABELS))
    assert data.train.images.dtype == data.test.images.dtype == np.float64


def test_columns_of_codes_stay_exact_beside_others() -> None:
    codes = np.arange(160) % 5
    table = np.stack([codes, NORMAL], 1)
    assert np.array_equal(fed(of_table(table, mean=(0,), std=(1,)))[:, 0], codes)


@pytest.mark.parametrize("value", [0.1, -7.3, 1.7e9, 1e-30])
def test_a_constant_feature_becomes_zero(value: float) -> None:
    table = np.stack([np.full(160, value), NORMAL], 1)
    assert not fed(of_table(table))[:, 0].any()


def test_integers_are_taken_as_they_are() -> None:
    tokens = np.arange(160)[:, np.newaxis] * [1, 1000]
    found = fed(of_table(tokens, integers=True))
    assert found.dtype == np.int64
    assert np.array_equal(found, tokens)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exponent", [-300, -170, -45, -42, -39, -36, 0, 36])
def test_the_scale_of_the_numbers_does_not_matter(dtype: type, exponent: int) -> None:
    """Against NumPy's longdouble, which has room for the squares of all of them."""
    if dtype == np.float32 and exponent < -44:
        return
    values = (
        np.random.default_rng(0).normal(size=(20, 3)) * np.longdouble(10) ** exponent
    )
    stored = values.astype(dtype)
    data = from_python((stored, LABELS[:20]), (stored, LABELS[:20]))
    wide = stored.astype(np.longdouble)
    expected = (wide - wide.mean(axis=0)) / wide.std(axis=0)
    found, _ = Feed(data.train, data.mean, data.std).take(torch.arange(20))
    np.testing.assert_allclose(found, expected.astype(float), atol=2e-5)
