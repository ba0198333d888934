"""A surface from as few points as its own roughness allows."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import distance_transform_edt, maximum_filter

from normlab.landscape.cells import Cells

TOLERANCE = 0.005  # of the local loss, at every point held out
FAR = 2 * TOLERANCE  # so wrong that others must be, wherever they are
_LEVELS = (7, 13, 25, 49, 97, 193)
_CHECKS = 24  # points held out where the splines differ most, ...
_SCATTERED = 12  # ... and anywhere: what repeats from grid to grid looks smooth
_ONE_IN = 8  # of the points of a small region
_GOLDEN = (5**0.5 - 1) / 2  # multiples of it are spread most evenly, however many

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]
Compute = Callable[[Index, Index], None]


def fill_nested(cells: Cells, a: Array, b: Array, compute: Compute) -> float:
    """Compute some cells, interpolate the others, and say how well.

    Grids of 7, 13, 25, ... points per axis, each holding the one before. On each a
    bicubic spline of the logarithm of the loss (of the loss itself, where it is not
    positive) predicts points of the next grid, which are computed to compare, where
    this spline differs most from the one before, and some anywhere between the grids.
    Where all agree to `TOLERANCE` the spline fills the rest. Around those that do not
    further ones are computed, and wherever the splines differ as much as at one that
    is `FAR` off, until these agree; the next grid goes on where they did not. Around
    cells that are not finite everything is computed. To compare with all of the next
    grid would cost more than it saves: of 13 points per axis 456 beside 169.

    Args:
        cells: Filled in place. What is already computed is not asked for again, and
            changes nothing else: after an interruption the same cells get computed.
        a: Coordinates of the columns.
        b: Coordinates of the rows.
        compute: Computes the cells of these rows and columns into `cells`.

    Returns:
        Largest disagreement that was let pass, relative to the local loss; 0 if all
        is computed.
    """
    sheet = _Sheet(cells, a, b, compute)
    region = np.ones_like(cells.computed)
    guess: Array | None = None
    passed = 0.0
    for level, following in _steps(len(a)):
        grid = sheet.mesh(level)
        sheet.request(grid & region)
        finer = sheet.spline(level, region, guess)
        if following is None or finer is None:
            continue
        previous, guess = guess, finer
        near = sheet.near_holes(grid, _stride(level))
        open_ = region & ~near
        wrong, error = sheet.disagreement(guess, previous, following, open_)
        if previous is None:  # nothing was spared: all of the next grid is known
            if wrong.any():
                continue
            guess = sheet.spline(following, region, guess)
        passed = max(passed, error)
        region = _grown(wrong, _reach(following)) | near
        if not region.any():
            break
    sheet.surround_holes()
    if cells.computed.all():
        return 0.0
    assert guess is not None
    cells.loss[~cells.computed] = guess[~cells.computed]
    return passed


class _Sheet:
    """The cells, and which of them were asked for.

    An interrupted measurement may have left more than that, which must not matter.
    """

    def __init__(self, cells: Cells, a: Array, b: Array, compute: Compute) -> None:
        self._cells, self._a, self._b, self._compute = cells, a, b, compute
        self._asked = np.zeros_like(cells.computed)

    def request(self, wanted: Mask) -> None:
        """Have these cells computed that are not yet."""
        rows, columns = np.nonzero(wanted & ~self._cells.computed)
        if len(rows):
            self._compute(rows, columns)
        self._asked |= wanted

    def mesh(self, level: Index) -> Mask:
        """The cells of a grid."""
        mask = np.zeros_like(self._asked)
        mask[np.ix_(level, level)] = True
        return mask

    def spline(self, level: Index, region: Mask, guess: Array | None) -> Array | None:
        """The spline through a grid, at every cell; None if too little is finite.

        Outside the region it goes through `guess`, and so is that again: the knots
        of a spline are among those of the finer one.
        """
        known = self._known
        if guess is not None:
            known = np.where(self._asked & region, known, guess)
        known = known[np.ix_(level, level)]
        finite = np.isfinite(known)
        if finite.mean() < 0.5:
            return None
        logarithmic = bool((known[finite] > 0).all())
        values = np.log(known) if logarithmic else known
        if not finite.all():  # any value will do: what is near a hole gets computed
            nearest = distance_transform_edt(
                ~finite, return_distances=False, return_indices=True
            )
            assert nearest is not None
            values = values[tuple(nearest)]
        degree = min(3, len(level) - 1)
        a, b = self._a, self._b
        found = RectBivariateSpline(b[level], a[level], values, kx=degree, ky=degree)
        return np.exp(found(b, a)) if logarithmic else found(b, a)

    def disagreement(
        self, guess: Array, previous: Array | None, following: Index, open_: Mask
    ) -> tuple[Mask, float]:
        """Compare with some cells of the next grid, and more where that is wrong.

        Args:
            guess: What is compared.
            previous: The guess before it; without one all of the grid is compared.
            following: The next grid.
            open_: Cells that may be asked for.

        Returns:
            Where the guess is wrong, and its largest error elsewhere.
        """
        change = None if previous is None else _relative(guess, previous)
        further = self.mesh(following) & open_ & ~self._asked
        between = open_ & ~self._asked & ~further
        held_out = further if change is None else _most_changed(further, change)
        held_out = held_out | _scattered(between)
        while True:
            self.request(held_out)
            error = np.where(held_out, _relative(guess, self._known), 0)
            wrong = error > TOLERANCE
            suspect = _grown(wrong, _reach(following))
            if change is not None:
                suspect |= change >= change[error > FAR].min(initial=np.inf)
            wider = held_out | further & suspect
            if (wider == held_out).all():
                return wrong, float(error[~wrong].max())
            held_out = wider

    def near_holes(self, grid: Mask, stride: int) -> Mask:
        """All within two steps of the grid around a cell that is not finite."""
        return _grown(grid & self._asked & ~np.isfinite(self._known), 2 * stride)

    def surround_holes(self) -> None:
        """Compute the neighbours of every hole, and those of holes found by that."""
        while True:
            holes = self._cells.computed & ~np.isfinite(self._cells.loss)
            wanted = _grown(holes, 1) & ~self._cells.computed
            if not wanted.any():
                return
            self.request(wanted)

    @property
    def _known(self) -> Array:
        return np.where(self._asked, self._cells.loss, np.nan)


def _steps(points: int) -> list[tuple[Index, Index | None]]:
    """Indices of each grid with those of the next, the last one being all."""
    sizes = [size for size in _LEVELS if size < points] + [points]
    # whole numbers: each grid must hold the one before exactly
    grids = [
        (2 * np.arange(size) * (points - 1) + size - 1) // (2 * (size - 1))
        for size in sizes
    ]
    return list(zip(grids, [*grids[1:], None], strict=True))


def _stride(level: Index) -> int:
    return int(np.diff(level).max())


def _reach(following: Index) -> int:
    """Past the next line of the coarser grid, on which its spline cannot be wrong."""
    return 2 * _stride(following)


def _most_changed(cells: Mask, change: Array) -> Mask:
    """Some of the cells: where the splines differ most."""
    count = min(_CHECKS, ceil(cells.sum() / _ONE_IN))
    return _only(cells, np.argsort(-change[cells], kind="stable")[:count])


def _scattered(cells: Mask) -> Mask:
    """Some of the cells, all over them but on no grid."""
    total = int(cells.sum())
    count = min(_SCATTERED, ceil(total / _ONE_IN))
    return _only(cells, (total * (np.arange(1, count + 1) * _GOLDEN % 1)).astype(int))


def _only(cells: Mask, numbers: Index) -> Mask:
    """Of the cells, row by row, only those with these numbers."""
    mask = np.zeros_like(cells)
    mask[tuple(np.argwhere(cells)[numbers].T)] = True
    return mask


def _relative(guess: Array, loss: Array) -> Array:
    """Difference in units of the local loss; a loss near 0 has a floor.

    Infinite where there is no loss: a hole that no grid point showed.
    """
    floor = 1e-6 * np.nanmedian(np.abs(loss))
    difference = np.abs(guess - loss) / np.maximum(np.abs(loss), max(floor, 1e-300))
    return np.nan_to_num(difference, nan=np.inf)


def _grown(mask: Mask, reach: int) -> Mask:
    """All cells within `reach` rows and columns of the mask."""
    return np.asarray(maximum_filter(mask, 2 * reach + 1, mode="constant"), bool)
