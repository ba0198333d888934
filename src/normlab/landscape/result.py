"""What a measured surface is: plain arrays, readable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from normlab.errors import BadSetting

Statistics = Literal["batch", "full", "recalibrated", "running"]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A place on a plane that deserves a name: an end, a start, a snapshot.

    Attributes:
        name: What is there, for example `start` or `step 400`.
        a: Coordinate along the first direction.
        b: Coordinate along the second direction.
        off_plane: Distance between the place and its point on the plane, in
            the units of the weights.
        plane_loss: Loss at the point on the plane; None until measured.
        true_loss: Loss of the network that was really there; None if unknown.
    """

    name: str
    a: float
    b: float
    off_plane: float = 0.0
    plane_loss: float | None = None
    true_loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Loss on a grid over a plane: `origin + a first + b second`.

    Attributes:
        a: Coordinates along the first direction, shape (columns,).
        b: Coordinates along the second direction, shape (rows,).
        loss: Mean loss per example, shape (rows, columns); `loss[j, i]` belongs
            to `(a[i], b[j])`. NaN where the loss is not finite.
        directions: Two mappings from parameter name to array.
        plane: Kind of plane: random, path, common or parameters.
        statistics: What every norm normalised by.
        batch_size: Examples per batch where `statistics` cuts the sample.
        examples: Examples that the loss is a mean over.
        estimated_error: Largest difference between the loss measured at held-out
            points and the interpolation without them, relative to the local
            loss. 0 where every point was computed.
        computed: True where the loss was computed, False where interpolated.
        marks: Named places on the plane.
        facts: Numbers about the plane, for example `explained_1`.
        seconds: Time spent.
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    loss: NDArray[np.float64]
    directions: tuple[
        Mapping[str, NDArray[np.floating]], Mapping[str, NDArray[np.floating]]
    ]
    plane: str
    statistics: Statistics
    batch_size: int
    examples: int
    estimated_error: float
    computed: NDArray[np.bool_]
    marks: tuple[Mark, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        shape = (len(self.b), len(self.a))
        if self.loss.shape != shape or self.computed.shape != shape:
            raise BadSetting(
                f"surface: loss {self.loss.shape} and computed {self.computed.shape}"
                f" must have the shape (len(b), len(a)) = {shape}."
            )

    @property
    def evaluation(self) -> str:
        """The statistics with their batch size, as printed beside every figure."""
        cut = self.statistics in ("batch", "recalibrated")
        return f"{self.statistics}({self.batch_size})" if cut else self.statistics

    def plot(self) -> object:
        """Draw the surface as contours.

        Returns:
            A Plotly figure.

        Raises:
            BadSetting: While this installation has no figures.
        """
        try:
            from normlab.figures.surface import contours  # pyright: ignore
        except ModuleNotFoundError:
            raise BadSetting(
                "plot: this version of normlab has no figures. Draw loss over a"
                " and b with a plotting library."
            ) from None
        return contours(self)
