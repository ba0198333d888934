from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from normlab.analysis.inference.interval import (
    is_constant,
    share_interval,
    t_interval,
    t_quantile,
    t_test,
)

# Student 1908: extra hours of sleep with one drug against another, ten patients.
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]

samples = st.lists(st.floats(-10, 10, width=32), min_size=2, max_size=12)


def test_students_sleep_data_give_the_published_interval_and_p() -> None:
    estimate = t_interval(SLEEP)
    assert estimate == pytest.approx((1.58, 0.7001142, 2.4598858, 10), abs=5e-8)
    assert t_test(SLEEP) == pytest.approx(0.002833, abs=5e-7)


@pytest.mark.parametrize(
    ("freedom", "printed"),
    [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (29, 2.045)],
)
def test_quantiles_are_those_of_the_printed_table(freedom: int, printed: float) -> None:
    assert t_quantile(freedom) == pytest.approx(printed, abs=5e-4)


@given(samples)
def test_interval_and_p_agree_with_scipy(values: list[float]) -> None:
    if np.std(values) < 1e-3:
        return
    oracle = stats.ttest_1samp(values, 0)
    low, high = oracle.confidence_interval(0.9)
    assert t_interval(values, 0.9)[1:3] == pytest.approx(
        (low, high), rel=1e-9, abs=1e-9
    )
    assert t_test(values) == pytest.approx(oracle.pvalue, rel=1e-7, abs=1e-12)


@given(samples, st.floats(0.01, 100), st.floats(-10, 10))
def test_interval_moves_with_shift_and_unit(
    values: list[float], unit: float, shift: float
) -> None:
    moved = t_interval(unit * np.array(values) + shift)
    expected = unit * np.array(t_interval(values)[:3]) + shift
    assert moved[:3] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_one_value_has_a_mean_but_no_interval() -> None:
    estimate = t_interval([0.5])
    assert (estimate.mean, estimate.interval) == (0.5, None)


def test_no_value_and_a_value_that_is_not_finite_have_no_mean() -> None:
    assert math.isnan(t_interval([]).mean)
    assert math.isnan(t_interval([1.0, math.inf]).mean)


def test_equal_values_have_no_test_even_if_rounding_parts_them() -> None:
    nearly = [0.9812 - 0.98, 0.2012 - 0.2, 0.0012]
    assert len(set(nearly)) > 1
    assert is_constant(nearly)
    assert t_test(nearly) is None
    assert t_test([3.0]) is None


@pytest.mark.parametrize(("k", "n"), [(0, 3), (3, 3), (1, 5), (7, 10), (0, 1)])
def test_the_interval_of_a_share_is_wilsons(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    share = share_interval(k, n)
    assert share[:3] == pytest.approx((k / n, *expected), abs=1e-12)


def test_of_no_runs_no_share_is_known() -> None:
    assert share_interval(0, 0).interval is None
