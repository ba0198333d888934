"""Order statistics of many values, without sorting them all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

CELLS = 4096  # so many that few values share one


@dataclass(frozen=True, eq=False)
class Tally:
    """Values, and in which of many equal cells between their ends each lies.

    A larger value never lies in a lower cell. So the k-th smallest is found among those
    of one cell, where a sort of all values would take ten times as long.

    Args:
        values: In float32, one axis, at least one.
    """

    values: NDArray[np.float32]

    @cached_property
    def ends(self) -> tuple[float, float]:
        """Smallest and largest value; nan if one is nan."""
        return float(self.values.min()), float(self.values.max())

    @cached_property
    def _cell(self) -> NDArray[np.int16]:
        """Of each value; the first one for all where ends are equal or not finite."""
        low, high = self.ends
        with np.errstate(all="ignore"):
            per_unit = np.float32(CELLS) / np.subtract(high, low, dtype=np.float32)
        if not np.isfinite(per_unit) or per_unit == 0:
            return np.zeros(len(self.values), np.int16)
        place = self.values - np.float32(low)
        place *= per_unit
        # rounding may carry the largest one over the edge
        return np.minimum(place, CELLS - 1, out=place).astype(np.int16)

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        # NumPy would first make 64-bit integers of the cells, which takes as long again
        return torch.bincount(torch.from_numpy(self._cell), minlength=CELLS).numpy()

    def smallest(self, k: int) -> np.float32:
        """The k-th smallest value, counted from 0; nan is larger than any other."""
        up_to = np.cumsum(self._counts)
        cell = int(np.searchsorted(up_to, k, side="right"))
        inside = np.sort(self.values[self._cell == cell])
        return np.float32(inside[k - (up_to[cell] - self._counts[cell])])

    def percentile(self, percent: float) -> float:
        """Between the two nearest values by weight, as NumPy's.

        Example:
            >>> Tally(np.arange(101, dtype=np.float32)).percentile(15)
            15.0
        """
        place = percent / 100 * (len(self.values) - 1)
        low, high = (self.smallest(int(k)) for k in (np.floor(place), np.ceil(place)))
        share = np.float32(place % 1)
        with np.errstate(invalid="ignore", over="ignore"):  # of a net that blows up
            return float(low + share * (high - low))
