"""The scale of all drawn losses, the same for all panels: logarithmic if it can be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from normlab.errors import NotMeasured
from normlab.figures.colour_bar import with_bar
from normlab.figures.look import SEQUENTIAL, Look
from normlab.figures.plane import measured, unit_of
from normlab.records.surface import Surface

LEVELS = 18
DECADES = 3  # of losses; with more of them the scale has fewer ticks in each
FLOOR = 1e-8  # below it a logarithm would stretch the colours


@dataclass(frozen=True)
class LossScale:
    """From losses to places on one scale, that of all panels.

    Attributes:
        low: Place of the smallest loss that is shown.
        high: Place of the largest.
        logarithmic: Places are logarithms, base 10; else the losses themselves.
    """

    low: float
    high: float
    logarithmic: bool

    @classmethod
    def of(cls, surfaces: Iterable[Surface]) -> LossScale:
        """The scale for these; linear only where some loss is negative.

        Raises:
            NotMeasured: If no surface has a finite value.
        """
        every = np.concatenate([_losses(surface) for surface in surfaces])
        every = every[np.isfinite(every)]
        if not every.size:
            raise NotMeasured("no point of any surface has a finite loss")
        logarithmic = bool(every.min() >= 0)
        low, high = _places(np.array([every.min(), every.max()]), logarithmic)
        return cls(float(low), float(high), logarithmic)

    def at(self, loss: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places of losses; what is not finite becomes a hole."""
        return _places(loss, self.logarithmic)

    @property
    def levels(self) -> dict[str, float]:
        """Even contour levels, the same for all."""
        size = max(self.high - self.low, 1e-3) / LEVELS
        return {"start": self.low, "end": self.high, "size": size}

    @property
    def ticks(self) -> dict[str, Any]:
        """Of an axis or a colour bar: round losses."""
        make = loss_ticks if self.logarithmic else even_ticks
        return make(self.low, self.high)

    @property
    def kind(self) -> str:
        """In words."""
        return "log scale" if self.logarithmic else "linear scale"


def _losses(surface: Surface) -> NDArray[np.float64]:
    """All losses that are shown: of the plane and of real networks."""
    real = [m.true_loss for m in surface.marks if m.true_loss is not None]
    return np.append(surface.loss.ravel(), real)


def _places(loss: NDArray[np.float64], logarithmic: bool) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        at = np.log10(np.maximum(loss, FLOOR)) if logarithmic else loss
    return np.where(np.isfinite(at), at, np.nan)


def with_colours(
    figure: go.Figure,
    scale: LossScale,
    look: Look,
    surfaces: Iterable[Surface],
) -> go.Figure:
    """One colour scale of losses below all panels, and how they were measured.

    Args:
        figure: Gets the scale.
        scale: Of the losses.
        look: Ink.
        surfaces: Those that are shown.
    """
    these = list(surfaces)
    unit = unit_of(these)
    what = f"{unit} per example, {scale.kind}" if unit else scale.kind
    colours = {
        "colorscale": SEQUENTIAL,
        "cmin": scale.low,
        "cmax": scale.high,
        **scale.ticks,
    }
    lines = [f"<b>loss</b> ({what})", *measured(these)]
    return with_bar(figure, colours, look, lines)


def loss_ticks(low: float, high: float) -> dict[str, Any]:
    """Round losses on an axis of logarithms: 0.1, 0.2, 0.5, 1, ...

    Example:
        >>> loss_ticks(-1.2, 0.4)["ticktext"]
        ['0.1', '0.2', '0.5', '1', '2']
    """
    powers = np.arange(np.floor(low), np.ceil(high) + 1)
    # over many decades the powers alone
    digits = (1, 2, 5) if high - low < DECADES else (1,)
    values = [(power + np.log10(d), d * 10**power) for power in powers for d in digits]
    shown = [(at, loss) for at, loss in values if low <= at <= high]
    if len(shown) < 2:
        shown = [(at, 10**at) for at in (low, high)]
    return {
        "tickvals": [float(at) for at, _ in shown],
        "ticktext": [f"{loss:.3g}" for _, loss in shown],
    }


def even_ticks(low: float, high: float) -> dict[str, Any]:
    """Round losses on a linear axis, three to eight of them.

    Example:
        >>> even_ticks(-0.31, 0.12)["ticktext"]
        ['-0.3', '-0.2', '-0.1', '0', '0.1']
    """
    if high <= low:
        return {"tickvals": [low], "ticktext": [f"{low:.3g}"]}
    power = 10 ** np.floor(np.log10((high - low) / 2))
    step = next(d * power for d in (5, 2, 1, 0.5) if d * power * 3 <= high - low)
    places = step * np.arange(np.ceil(low / step), np.floor(high / step) + 1)
    return {
        "tickvals": places.tolist(),
        "ticktext": [f"{place + 0.0:.6g}" for place in places.round(12)],
    }
