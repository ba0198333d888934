from __future__ import annotations

import numpy as np
import pytest

from normlab.analysis.inference.interval import t_interval
from normlab.analysis.series.drift import feature_change, shift_from_end
from normlab.analysis.series.series import Trajectory, over_seeds

STEPS = np.array([0, 1, 5])


def test_every_moment_has_the_t_interval_of_its_seeds() -> None:
    values = np.random.default_rng(0).normal(size=(4, 3))
    series = over_seeds("none", [Trajectory(STEPS, row) for row in values])
    for i in range(3):
        expected = t_interval(values[:, i])
        found = (series.mean[i], series.low[i], series.high[i])
        assert found == pytest.approx(expected[:3])


def test_ratios_are_averaged_as_logarithms() -> None:
    runs = [Trajectory(STEPS, np.full(3, value)) for value in (1.0, 100.0)]
    assert over_seeds("none", runs, ratio=True).mean == pytest.approx([10.0] * 3)


def test_moments_that_not_all_seeds_have_are_left_out() -> None:
    runs = [Trajectory(STEPS, np.ones(3)), Trajectory(STEPS[:2], np.ones(2))]
    assert over_seeds("none", runs).step.tolist() == [0, 1]


def test_a_seed_without_a_finite_value_does_not_spoil_the_others() -> None:
    runs = [
        Trajectory(STEPS, np.array([1.0, np.nan, 3.0])),
        Trajectory(STEPS, np.ones(3)),
    ]
    assert over_seeds("none", runs).mean == pytest.approx([1.0, 1.0, 2.0])


def test_a_shift_is_told_in_pooled_deviations() -> None:
    # the article's neuron: 4, then 9, then 20, with deviation 1 throughout
    mean = np.array([[4.0], [9.0], [20.0]])
    assert shift_from_end(mean, np.ones((3, 1))).tolist() == [16, 11, 0]


def test_a_shift_does_not_depend_on_the_unit_of_measurement() -> None:
    stream = np.random.default_rng(0)
    mean, std = stream.normal(size=(4, 9)), 1 + stream.random((4, 9))
    np.testing.assert_allclose(
        shift_from_end(1000 * mean, 1000 * std), shift_from_end(mean, std)
    )


def test_constant_units_have_no_shift() -> None:
    assert np.isnan(shift_from_end(np.ones((2, 3)), np.zeros((2, 3)))).all()


def test_a_flipped_feature_is_the_same_feature() -> None:
    assert feature_change(np.array([[-1.0, -1.0], [1.0, 1.0]])).tolist() == [0, 0]
