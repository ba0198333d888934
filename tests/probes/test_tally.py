from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normlab.probes.tally import Tally

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
