"""The cells of a surface while it is measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Cells:
    """What is known so far; enough to go on with after an interruption.

    Attributes:
        loss: NaN where unknown or not finite, shape (rows, columns).
        computed: True where the loss was computed, same shape.
    """

    loss: NDArray[np.float64]
    computed: NDArray[np.bool_]

    @classmethod
    def empty(cls, rows: int, columns: int) -> Cells:
        """Cells of which nothing is known."""
        shape = (rows, columns)
        return cls(loss=np.full(shape, np.nan), computed=np.zeros(shape, bool))

    def copy(self) -> Cells:
        """The same in memory of its own."""
        return Cells(loss=self.loss.copy(), computed=self.computed.copy())
