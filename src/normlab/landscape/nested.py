"""A surface from as few points as its own roughness allows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import distance_transform_edt, maximum_filter

from normlab.landscape.cells import Cells

TOLERANCE = 0.005  # of the local loss, at every point held out
_LEVELS = (7, 13, 25, 49, 97, 193)
_CHECKS = 24  # points held out where the splines differ most, and as many spread

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Compute = Callable[[Index, Index], None]


def fill_nested(cells: Cells, a: Array, b: Array, compute: Compute) -> float:
    """Compute some cells, interpolate the others, and say how well.

    Grids of 7, 13, 25, ... points per axis, each holding the one before. On each a
    bicubic spline of the logarithm of the loss (of the loss itself, where it is not
    positive) predicts points of the next grid, which are computed to compare: those
    where this spline differs most from the one before, and as many spread evenly.
    Where all agree to `TOLERANCE` the spline fills the rest. Around a cell that is
    not finite everything is computed. To compare with all of the next grid would cost
    more than it saves: of 13 points per axis 456 beside 169.

    Args:
        cells: Filled in place. What is already computed is not asked for again, and
            changes nothing else: after an interruption the same cells get computed.
        a: Coordinates of the columns.
        b: Coordinates of the rows.
        compute: Computes the cells of these rows and columns into `cells`.

    Returns:
        Largest disagreement, relative to the local loss; 0 if all is computed.
    """
    previous: Array | None = None
    for level, following in _steps(len(a)):
        grid = _mesh(level, cells)
        _request(cells, compute, grid)
        if following is None:
            return 0.0
        guess = _interpolated(cells, level, a, b)
        near = _near_holes(cells, level)
        if guess is not None:
            # by the grids, not by what is computed: after an interruption that is more
            next_grid = _mesh(following, cells)
            further = next_grid & ~grid & ~near
            held_out = (
                further
                if previous is None
                else _chosen(further, _relative(guess, previous))
            )
            _request(cells, compute, held_out)
            known = np.where(grid | held_out, cells.loss, np.nan)
            error = _error(guess, known, held_out)
            if error <= TOLERANCE:
                if not (next_grid & ~grid & ~held_out).any():
                    guess = _interpolated(cells, following, a, b)
                    assert guess is not None
                _request(cells, compute, near)
                _surround_holes(cells, compute)
                cells.loss[~cells.computed] = guess[~cells.computed]
                return error
        previous = guess
    raise AssertionError("the last grid has no following one")


def _steps(points: int) -> list[tuple[Index, Index | None]]:
    """Indices of each grid with those of the next, the last one being all."""
    sizes = [size for size in _LEVELS if size < points] + [points]
    # whole numbers: each grid must hold the one before exactly
    grids = [
        (2 * np.arange(size) * (points - 1) + size - 1) // (2 * (size - 1))
        for size in sizes
    ]
    return list(zip(grids, [*grids[1:], None], strict=True))


def _mesh(level: Index, cells: Cells) -> NDArray[np.bool_]:
    mask = np.zeros(cells.loss.shape, bool)
    mask[np.ix_(level, level)] = True
    return mask


def _request(cells: Cells, compute: Compute, wanted: NDArray[np.bool_]) -> None:
    rows, columns = np.nonzero(wanted & ~cells.computed)
    if len(rows):
        compute(rows, columns)


def _interpolated(cells: Cells, level: Index, a: Array, b: Array) -> Array | None:
    """The spline through the grid, at every cell; None if too little is finite."""
    known = cells.loss[np.ix_(level, level)]
    finite = np.isfinite(known)
    if finite.mean() < 0.5:
        return None
    logarithmic = bool((known[finite] > 0).all())
    values = np.log(known) if logarithmic else known.copy()
    if not finite.all():  # any value will do: what is near a hole gets computed
        nearest = distance_transform_edt(
            ~finite, return_distances=False, return_indices=True
        )
        assert nearest is not None
        values = values[tuple(nearest)]
    degree = min(3, len(level) - 1)
    spline = RectBivariateSpline(b[level], a[level], values, kx=degree, ky=degree)
    guess = spline(b, a)
    return np.exp(guess) if logarithmic else guess


def _chosen(further: NDArray[np.bool_], change: Array) -> NDArray[np.bool_]:
    """Where the splines differ most, and as many of these points spread evenly."""
    places = np.argwhere(further)
    worst = np.argsort(-change[further], kind="stable")[:_CHECKS]
    # row by row, an even stride visits all of the plane
    spread = np.linspace(0, len(places) - 1, min(_CHECKS, len(places))).astype(int)
    chosen = places[np.union1d(worst, spread)]
    mask = np.zeros_like(further)
    mask[tuple(chosen.T)] = True
    return mask


def _relative(guess: Array, loss: Array) -> Array:
    """Difference in units of the local loss; a loss near 0 has a floor."""
    floor = 1e-6 * np.nanmedian(np.abs(loss))
    return np.abs(guess - loss) / np.maximum(np.abs(loss), max(floor, 1e-300))


def _error(guess: Array, known: Array, held_out: NDArray[np.bool_]) -> float:
    compared = _relative(guess, known)[held_out]
    # a hole that no grid point showed: this grid is too coarse
    return float(np.nan_to_num(compared, nan=np.inf).max(initial=0.0))


def _near_holes(cells: Cells, level: Index) -> NDArray[np.bool_]:
    """All within two steps of the grid around a cell that is not finite."""
    reach = 2 * int(np.diff(level).max())
    holes = _mesh(level, cells) & ~np.isfinite(cells.loss)
    return _grown(holes, reach) if holes.any() else holes


def _surround_holes(cells: Cells, compute: Compute) -> None:
    """Compute the neighbours of every hole, and those of holes found by that."""
    while True:
        holes = cells.computed & ~np.isfinite(cells.loss)
        wanted = _grown(holes, 1) & ~cells.computed
        if not wanted.any():
            return
        _request(cells, compute, wanted)


def _grown(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """All cells within `reach` rows and columns of the mask."""
    return np.asarray(maximum_filter(mask, 2 * reach + 1, mode="constant"), bool)
