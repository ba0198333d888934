"""Lines with bands, as most figures of training have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from normlab.figures.kit.theme import Style

Numbers = NDArray[np.floating]

MAX_DECADES = 2.5  # of an axis with several ticks in each
TICKS = 6  # of one with more
_LARGE = 1e6  # nobody reads the hundredths of more


def add_band(
    figure: go.Figure,
    x: Numbers,
    low: Numbers,
    high: Numbers,
    *,
    style: Style,
    name: str,
    **axes: Any,
) -> None:
    """Shade between two curves; gaps stay gaps, and nothing is drawn without any.

    Args:
        figure: Is drawn into.
        x: Shape `(points,)`.
        low: Lower edge, shape `(points,)`, nan where unknown.
        high: Upper edge, the same.
        style: Of the arm.
        name: Of the arm; a click on its legend hides band and line together.
        axes: `xaxis` and `yaxis`.
    """
    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return
    outline = np.concatenate([x[known], x[known][::-1]])
    edges = np.concatenate([low[known], high[known][::-1]])
    figure.add_scatter(
        x=single(outline),
        y=single(edges),
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=style.colour(0.18),
        hoverinfo="skip",
        legendgroup=name,
        showlegend=False,
        name=name,
        **axes,
    )


def add_line(
    figure: go.Figure, x: Numbers, y: Numbers, *, style: Style, name: str, **more: Any
) -> None:
    """A line in the arm's colour and dash; gaps stay gaps.

    Args:
        figure: Is drawn into.
        x: Shape `(points,)`.
        y: Shape `(points,)`.
        style: Of the arm.
        name: Of the arm.
        more: `xaxis`, `yaxis` and anything else a scatter trace takes.
    """
    figure.add_scatter(
        x=single(x),
        y=single(y),
        **{
            "mode": "lines",
            "line": {"color": style.colour(), "dash": style.dash, "width": 2},
            "legendgroup": name,
            "name": name,
            **more,
        },
    )


def single(values: Numbers) -> NDArray[np.float32]:
    """In the precision of a screen: half the size in the file."""
    with np.errstate(over="ignore"):  # the end of a band may lie beyond all losses
        return np.asarray(values, dtype=np.float32)


def log_axis(values: Sequence[Numbers]) -> dict[str, Any]:
    """A logarithmic axis with as many ticks as can be read.

    Args:
        values: What is drawn; what is not positive has no place on it.

    Example:
        >>> log_axis([np.array([0.02, 2.0])])["dtick"]
        'D2'
        >>> log_axis([np.array([1e-9, np.nan]), np.array([1e9])])["dtick"]
        3
    """
    every = np.concatenate([np.ravel(some) for some in values] or [np.empty(0)])
    every = every[np.isfinite(every) & (every > 0)].astype(np.float64)
    decades = float(np.ptp(np.log10(every))) if every.size else 0.0
    few = decades <= MAX_DECADES  # then 1, 2 and 5 of each
    dtick = "D2" if few else max(1, round(decades / TICKS))
    return {"type": "log", "dtick": dtick, "tickformat": "~g"}


def log_window(means: Sequence[Numbers]) -> list[float]:
    """Where an axis of logarithms begins and ends, to show these and some of bands.

    A band that reaches down to 0 would press everything else together.

    Example:
        >>> log_window([np.array([1.0, 10.0])])
        [-0.5, 1.5]
    """
    every = np.concatenate([np.ravel(some) for some in means])
    logs = np.log10(every[np.isfinite(every) & (every > 0)], dtype=np.float64)
    if not logs.size:
        return [-1.0, 1.0]
    return [float(logs.min()) - 0.5, float(logs.max()) + 0.5]


def hundredths(value: float) -> str:
    """Two decimals with a real minus sign, and no minus before zero.

    Example:
        >>> hundredths(-0.123), hundredths(-0.001), hundredths(1e9)
        ('−0.12', '0.00', '1e+09')
    """
    if abs(value) >= _LARGE:
        return f"{value:.3g}".replace("-", "−")
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
