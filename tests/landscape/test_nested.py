"""Few points: enough for smooth surfaces, all for rough ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.landscape.cells import Cells
from normlab.landscape.nested import TOLERANCE, _Sheet, _steps, fill_nested


class Stopped(Exception):
    pass


def fill(
    loss: Callable,
    points: int = 49,
    *,
    cells: Cells | None = None,
    stop: float = np.inf,
) -> tuple[Cells, float, np.ndarray]:
    a = b = np.linspace(-1, 1, points)
    cells = cells or Cells.empty(points, points)
    truth = loss(a[None, :], b[:, None]) + np.zeros((points, points))

    def compute(rows: np.ndarray, columns: np.ndarray) -> None:
        assert not cells.computed[rows, columns].any()
        for row, column in zip(rows, columns, strict=True):
            if cells.computed.sum() >= stop:
                raise Stopped
            value = truth[row, column]
            cells.loss[row, column] = value if np.isfinite(value) else np.nan
            cells.computed[row, column] = True

    return cells, fill_nested(cells, a, b, compute), truth


def bowl(a, b):
    return np.exp(2 * a * a + a * b + b * b - 3)


def cornered(a, b):
    """Smooth but in one corner, as the planes of convolutional networks are."""
    return bowl(a, b) * (1 + 0.3 * np.exp(-((a - 0.8) ** 2 + (b - 0.8) ** 2) / 0.02))


def narrow(a, b):
    return 0.01 + a * a + 30 * (b - a * a) ** 2


def ridged(a, b):
    """A ridge along a diagonal, narrower than the first grids."""
    return 0.3 + a * a + b * b + 0.5 * np.exp(-(((a + b) / 0.12) ** 2))


def wavy(a, b):
    """Waves in the middle, which agree with a coarse spline here and there."""
    envelope = np.exp(-2 * ((a - 0.3) ** 2 + b * b))
    return 2 + np.sin(9 * a + 4 * b) * envelope


def rippled(a, b):
    """Waves that vanish at every point of the first two grids."""
    return 1 + 0.5 * a * a + 0.3 * b * b + 0.05 * np.sin(6 * np.pi * a)


def cliff(a, b):
    """A pole, and nothing finite behind it: a spline swings before it."""
    return np.where(a > 0.5, np.nan, 1 / (0.5001 - np.minimum(a, 0.5))) + 0 * b


def holed(a, b):
    inside = (a - 0.5) ** 2 + (b - 0.5) ** 2 < 0.15
    return np.where(inside, np.inf, 1 + a * a + b * b)


def pricked(a, b):
    """One hole that only the finest grid meets, and one that the first one does."""
    early, late = np.hypot(a, b), np.hypot(a - 1 / 24, b - 3 / 24)
    return np.where(np.minimum(early, late) < 1e-9, np.nan, 2 + np.sin(4 * a) * b)


def tilted(a, b):
    """Through zero, where an error relative to the loss needs a floor."""
    return a + 2 * b + np.sin(3 * a * b)


def test_a_smooth_bowl_needs_one_point_in_ten() -> None:
    cells, error, truth = fill(bowl)
    assert cells.computed.sum() < 260
    assert np.abs(cells.loss / truth - 1).max() <= error <= TOLERANCE


@pytest.mark.parametrize("rough", [narrow, ridged, wavy, rippled])
def test_a_rough_surface_needs_more_points_and_gets_them(rough: Callable) -> None:
    smooth, _, _ = fill(bowl)
    found, error, truth = fill(rough)
    assert found.computed.sum() > 2 * smooth.computed.sum()
    assert np.abs(found.loss / truth - 1).max() < 0.01
    assert error <= TOLERANCE


def test_a_rough_corner_is_refined_and_nothing_else() -> None:
    cells, error, truth = fill(cornered)
    assert np.abs(cells.loss / truth - 1).max() < 0.01
    assert 0 < error <= TOLERANCE
    rows, columns = np.nonzero(cells.computed)
    finer = (rows % 4 != 0) | (columns % 4 != 0)  # than 13 points per axis
    elsewhere = finer & ((rows < 30) | (columns < 30))
    assert finer.sum() > 60
    assert elsewhere.sum() <= 2 * 24


def test_a_spline_through_a_finer_grid_is_itself_again() -> None:
    cells, a = Cells.empty(49, 49), np.linspace(-1, 1, 49)
    cells.loss[:] = narrow(a[None, :], a[:, None])
    sheet = _Sheet(cells, a, a, lambda rows, columns: None)
    (coarse, fine), *_ = _steps(49)
    assert fine is not None
    sheet.request(sheet.mesh(coarse))
    nothing = np.zeros((49, 49), bool)
    guess = sheet.spline(coarse, nothing, None)
    again = sheet.spline(fine, nothing, guess)
    assert guess is not None and again is not None
    assert np.abs(again / guess - 1).max() < 1e-12
    assert np.abs(guess / cells.loss - 1).max() > 0.1


def test_noise_is_computed_everywhere_and_has_no_error() -> None:
    noise = np.random.default_rng(0).uniform(1, 2, (49, 49))
    cells, error, truth = fill(lambda a, b: noise)
    assert error == 0 and cells.computed.all()
    assert np.array_equal(cells.loss, truth)


def test_a_hole_stays_one_and_its_surroundings_are_computed() -> None:
    cells, _, truth = fill(holed)
    finite = np.isfinite(truth)
    assert np.isnan(cells.loss[~finite]).all()
    assert np.abs(cells.loss[finite] / truth[finite] - 1).max() < 0.01
    assert not cells.computed.all()


def test_before_a_cliff_it_is_right_too() -> None:
    cells, _, truth = fill(cliff, points=25)
    finite = np.isfinite(truth)
    assert np.isnan(cells.loss[~finite]).all()
    assert np.abs(cells.loss[finite] / truth[finite] - 1).max() < 0.01


def test_a_loss_of_either_sign_is_interpolated_as_it_is() -> None:
    cells, error, truth = fill(lambda a, b: a + 2 * b + 0.3)
    assert error <= TOLERANCE
    assert np.allclose(cells.loss, truth, atol=1e-6)


def test_where_nothing_is_finite_everything_is_computed() -> None:
    cells, error, _ = fill(lambda a, b: np.full((9, 9), np.nan), points=9)
    assert cells.computed.all() and error == 0


@given(half=st.integers(1, 120))
def test_each_grid_holds_the_one_before_and_the_last_is_everything(half: int) -> None:
    points = 2 * half + 1
    steps = _steps(points)
    assert steps[-1][0].tolist() == list(range(points)) and steps[-1][1] is None
    for grid, following in steps[:-1]:
        assert following is not None
        assert grid[0] == 0 and grid[-1] == points - 1
        assert len(set(grid)) == len(grid)


@pytest.mark.parametrize("points", [9, 13, 25, 51])
def test_any_odd_number_of_points_will_do(points: int) -> None:
    cells, _, truth = fill(lambda a, b: 1 + a * a + b**4, points=points)
    assert np.abs(cells.loss / truth - 1).max() < 0.005


@pytest.mark.parametrize("loss", [bowl, cornered, narrow, holed, pricked, tilted])
def test_wherever_it_is_interrupted_it_ends_as_if_it_was_not(loss: Callable) -> None:
    whole, error, _ = fill(loss)
    for stop in np.linspace(1, whole.computed.sum() - 1, 12).astype(int):
        cells = Cells.empty(49, 49)
        with pytest.raises(Stopped):
            fill(loss, cells=cells, stop=stop)
        resumed, again, _ = fill(loss, cells=cells)
        assert again == error
        assert np.array_equal(resumed.computed, whole.computed)
        assert np.array_equal(resumed.loss, whole.loss, equal_nan=True)
