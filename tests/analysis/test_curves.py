from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.analysis.series.curves import running_median, steps_to


@given(
    st.lists(st.floats(0, 10, width=32), min_size=1, max_size=60),
    st.sampled_from([3, 5, 11]),
)
def test_running_median_is_that_of_a_slow_loop(
    values: list[float], window: int
) -> None:
    half = window // 2
    slow = [
        np.median(values[max(i - half, 0) : i + half + 1]) for i in range(len(values))
    ]
    fast = running_median(np.array(values, dtype=np.float32), window)
    assert fast == pytest.approx(slow, abs=1e-12)


def test_a_target_is_reached_when_the_curve_stays_below_it() -> None:
    curve = np.array([5.0, 1.0, 3.0, 1.0, 1.0])
    assert steps_to(curve, 2.0) == 4
    assert steps_to(curve, 6.0) == 1


def test_a_curve_that_ends_at_the_target_has_not_reached_it() -> None:
    assert steps_to(np.array([3.0, 2.0]), 2.0) is None
