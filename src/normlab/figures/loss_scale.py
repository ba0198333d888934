"""The scale of all drawn losses: logarithmic, and the same for all panels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def shared_levels(surfaces: Iterable[Surface]) -> dict[str, Any]:
    """The same contour levels for all, even in the logarithm of the loss.

    Raises:
        NotMeasured: If no surface has a finite value.
    """
    every = np.concatenate([_losses(surface) for surface in surfaces])
    every = every[np.isfinite(every)]
    if not every.size:
        raise NotMeasured("no point of any surface has a finite loss")
    low, high = float(every.min()), float(every.max())
    size = max(high - low, 1e-3) / LEVELS
    return {"start": low, "end": high, "size": size}


def _losses(surface: Surface) -> NDArray[np.float64]:
    """Logarithms of all losses that are shown: of the plane and of real networks."""
    real = [m.true_loss for m in surface.marks if m.true_loss is not None]
    return logarithm(np.append(surface.loss.ravel(), real))


def logarithm(loss: NDArray[np.float64]) -> NDArray[np.float64]:
    """Base 10; what is not finite becomes a hole."""
    with np.errstate(invalid="ignore"):
        logs = np.log10(np.maximum(loss, FLOOR))
    return np.where(np.isfinite(logs), logs, np.nan)


def with_colours(
    figure: go.Figure,
    levels: Mapping[str, Any],
    look: Look,
    surfaces: Iterable[Surface],
) -> go.Figure:
    """One colour scale of losses below all panels, and how they were measured.

    Args:
        figure: Gets the scale.
        levels: From `shared_levels`.
        look: Ink.
        surfaces: Those that are shown.
    """
    these = list(surfaces)
    unit = unit_of(these)
    scale = f"{unit} per example, log scale" if unit else "log scale"
    colours = {
        "colorscale": SEQUENTIAL,
        "cmin": levels["start"],
        "cmax": levels["end"],
        **loss_ticks(levels),
    }
    lines = [f"<b>loss</b> ({scale})", *measured(these)]
    return with_bar(figure, colours, look, lines)


def loss_ticks(levels: Mapping[str, Any]) -> dict[str, Any]:
    """Round losses on an axis of logarithms: 0.1, 0.2, 0.5, 1, ...

    Example:
        >>> loss_ticks({"start": -1.2, "end": 0.4})["ticktext"]
        ['0.1', '0.2', '0.5', '1', '2']
    """
    low, high = levels["start"], levels["end"]
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
