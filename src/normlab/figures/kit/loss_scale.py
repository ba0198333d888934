"""The scale of all drawn losses, the same for all panels: logarithmic if it can be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from normlab.errors import NotMeasured
from normlab.figures.kit.color_bar import with_bar
from normlab.figures.kit.plane import measured, unit_of
from normlab.figures.kit.theme import SEQUENTIAL, Theme
from normlab.records.surface import Surface

LEVELS = 18
DECADES = 3  # of losses; with more of them the scale has fewer ticks in each
TICKS = 8  # of a scale that has many decades
LOWEST = 1e-3  # of what 1 % of the losses are below: few smaller ones take no colours


@dataclass(frozen=True)
class LossScale:
    """From losses to places on one scale, that of all panels.

    Attributes:
        low: Place of the smallest loss that has a colour of its own.
        high: Place of the largest.
        logarithmic: Places are logarithms, base 10; else the losses themselves.
        open_below: Whether there are smaller ones, which have the lowest colour: a
            logarithm knows no 0, and would give all colours to the smallest losses.
    """

    low: float
    high: float
    logarithmic: bool
    open_below: bool = False

    @classmethod
    def of(cls, surfaces: Iterable[Surface]) -> LossScale:
        """The scale for these; linear where some loss is negative, or all are 0.

        Raises:
            NotMeasured: If no surface has a finite value.
        """
        every = np.concatenate([_losses(surface) for surface in surfaces])
        every = every[np.isfinite(every)]
        if not every.size:
            raise NotMeasured("no point of any surface has a finite loss")
        least, most = float(every.min()), float(every.max())
        if least < 0 or most == 0:
            return cls(least, most, logarithmic=False)
        positive = every[every > 0]
        floor = max(float(positive.min()), LOWEST * float(np.quantile(positive, 0.01)))
        low, high = float(np.log10(floor)), float(np.log10(most))
        return cls(low, high, logarithmic=True, open_below=least < floor)

    def at(self, loss: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places of losses; what is not finite becomes a hole."""
        with np.errstate(invalid="ignore", divide="ignore"):
            at = np.maximum(np.log10(loss), self.low) if self.logarithmic else loss
        return np.where(np.isfinite(loss), at, np.nan)

    @property
    def levels(self) -> dict[str, float]:
        """Even contour levels, the same for all."""
        least = 1e-3 if self.logarithmic else 1e-3 * (abs(self.high) or 1.0)
        size = max(self.high - self.low, least) / LEVELS
        return {"start": self.low, "end": self.high, "size": size}

    @property
    def ticks(self) -> dict[str, Any]:
        """Of an axis or a colour bar: round losses."""
        if not self.logarithmic:
            return even_ticks(self.low, self.high)
        ticks = loss_ticks(self.low, self.high)
        return self._with_lowest(ticks) if self.open_below else ticks

    def _with_lowest(self, ticks: dict[str, Any]) -> dict[str, Any]:
        """With one at the lower end that stands for all below, and has room."""
        near = self.low + (self.high - self.low) / (2 * TICKS)
        every = zip(ticks["tickvals"], ticks["ticktext"], strict=True)
        shown = [(at, text) for at, text in every if at > near]
        shown = [(self.low, f"≤ {10**self.low:.2g}"), *shown]
        return {"tickvals": [p for p, _ in shown], "ticktext": [t for _, t in shown]}

    @property
    def kind(self) -> str:
        """In words."""
        return "log scale" if self.logarithmic else "linear scale"


def _losses(surface: Surface) -> NDArray[np.float64]:
    """All losses that are shown: of the plane and of real networks."""
    real = [m.true_loss for m in surface.marks if m.true_loss is not None]
    return np.append(surface.loss.ravel(), real)


def with_colours(
    figure: go.Figure,
    scale: LossScale,
    theme: Theme,
    surfaces: Iterable[Surface],
) -> go.Figure:
    """One colour scale of losses below all panels, and how they were measured.

    Args:
        figure: Gets the scale.
        scale: Of the losses.
        theme: Ink.
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
    return with_bar(figure, colours, theme, lines)


def loss_ticks(low: float, high: float) -> dict[str, Any]:
    """Round losses on an axis of logarithms: 0.1, 0.2, 0.5, 1, ...

    Example:
        >>> loss_ticks(-1.2, 0.4)["ticktext"]
        ['0.1', '0.2', '0.5', '1', '2']
    """
    powers = np.arange(np.floor(low), np.ceil(high) + 1)
    # over many decades some powers alone
    digits = (1, 2, 5) if high - low < DECADES else (1,)
    decades = np.floor(high) - np.ceil(low)
    apart = 1 if len(digits) > 1 else max(1, np.ceil(decades / (TICKS - 1)))
    powers = powers[powers % apart == 0]
    values = [(power + np.log10(d), d * 10**power) for power in powers for d in digits]
    shown = [(at, f"{loss:.3g}") for at, loss in values if low <= at <= high]
    if len(shown) < 2:
        shown = _ends(low, high)
    return {
        "tickvals": [float(at) for at, _ in shown],
        "ticktext": [text for _, text in shown],
    }


def _ends(low: float, high: float) -> list[tuple[float, str]]:
    """The least and the greatest loss of as few digits as tell them apart."""
    for digits in range(1, 16):
        unit = 10.0 ** (np.floor(high) + 1 - digits)
        first, last = np.ceil(10**low / unit - 1e-6), np.floor(10**high / unit + 1e-6)
        if first < last:
            ends = (float(first * unit), float(last * unit))
            return [(float(np.log10(loss)), f"{loss:.{digits}g}") for loss in ends]
    return [(low, f"{10**low:.6g}")]


def even_ticks(low: float, high: float) -> dict[str, Any]:
    """Round losses on a linear axis, three to eight of them.

    Example:
        >>> even_ticks(-0.31, 0.12)["ticktext"]
        ['-0.3', '-0.2', '-0.1', '0', '0.1']
    """
    if high - low <= 1e-12 * max(abs(high), abs(low)):
        return {"tickvals": [low], "ticktext": [f"{low:.6g}"]}
    power = 10 ** np.floor(np.log10((high - low) / 2))
    step = next(d * power for d in (5, 2, 1, 0.5) if d * power * 3 <= high - low)
    numbers = np.arange(np.ceil(low / step), np.floor(high / step) + 1)
    # as many digits as tell one from the next
    digits = max(3, int(np.log10(max(abs(low), abs(high)) / step)) + 2)
    return {
        "tickvals": (step * numbers).tolist(),
        "ticktext": [f"{step * number + 0.0:.{digits}g}" for number in numbers],
    }
