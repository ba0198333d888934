from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normlab.probes.tally import BINS, Tally

FINITE = st.floats(-1e6, 1e6, width=32)
ANY = st.floats(width=32)
SIZES = st.integers(1, 200)


def wide(count: int = 20_000) -> np.ndarray:
    """Values that crowd around 0 and have far outliers."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=count) ** 9).astype(np.float32)


@given(arrays(np.float32, SIZES, elements=ANY), st.data())
def test_the_kth_smallest_is_that_of_a_sort(sample: np.ndarray, data: st.DataObject):
    k = data.draw(st.integers(0, len(sample) - 1))
    assert np.array_equal(Tally(sample).smallest(k), np.sort(sample)[k], equal_nan=True)


def test_the_kth_smallest_of_many_is_that_of_a_sort() -> None:
    tally, ordered = Tally(wide()), np.sort(wide())
    assert all(tally.smallest(k) == ordered[k] for k in range(0, len(ordered), 97))


@given(arrays(np.float32, SIZES, elements=FINITE), st.floats(0, 100))
def test_percentiles_are_numpys(sample: np.ndarray, percent: float) -> None:
    expected = np.percentile(sample.astype(np.float64), percent)
    # one rounding of the weight and two of the sum, in float32
    scale = np.abs(sample).max() + 1e-30
    ours = Tally(sample).percentile(percent)
    assert abs(ours - expected) <= 4 * np.finfo(np.float32).eps * scale


@pytest.mark.parametrize("sample", [wide(), np.arange(641, dtype=np.float32)])
def test_the_histogram_is_numpys(sample: np.ndarray) -> None:
    tally = Tally(sample)
    expected, _ = np.histogram(sample.astype(np.float64), BINS, range=tally.ends)
    assert np.array_equal(tally.histogram(), expected)


@given(arrays(np.float32, SIZES, elements=FINITE))
def test_a_histogram_counts_every_value_once(sample: np.ndarray) -> None:
    assert Tally(sample).histogram().sum() == sample.size


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_histogram(bad: float) -> None:
    assert Tally(np.array([0.0, bad], np.float32)).histogram().sum() == 0
