"""Loss surfaces of all arms as contours, on one colour scale and the same levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from normlab.errors import NotMeasured
from normlab.figures.curves import single
from normlab.figures.look import LIGHT, ON_COLOUR, SEQUENTIAL, TRACK, Look, css
from normlab.figures.panels import LINE, Panel, on, panels
from normlab.figures.picture import Drawn, Kind
from normlab.figures.plane import (
    Place,
    about_start,
    axis_titles,
    is_step,
    measured,
    percent,
    places,
    stored,
    words,
)
from normlab.records.surface import Surface

if TYPE_CHECKING:
    from normlab.analysis.result import Result

COLUMNS = 2
WIDTH = 420  # pixels: what a panel has on a wide page
LEVELS = 18
APART = 0.035  # of the panel's width: a dot nearer to a named place is not drawn
DECADES = 3  # of losses; with more of them the scale has fewer ticks in each
BAR = 48  # pixels: the scale and its numbers
FLOOR = 1e-8  # nats; below it a logarithm would stretch the colours


def draw_surfaces(surfaces: Mapping[str, Surface], look: Look = LIGHT) -> go.Figure:
    """Contours of the logarithm of the loss, a panel each, with the path on them.

    Both axes of a panel have one scale, so that round is round.

    Args:
        surfaces: By what their panels are called.
        look: Paper and ink.
    """
    levels = shared_levels(surfaces.values())
    figure = panels(
        look,
        [_panel(i, name, one) for i, (name, one) in enumerate(surfaces.items())],
        columns=COLUMNS,
        height=_heights(surfaces.values()),
        legend=False,
    )
    figure.update_xaxes(title_font_size=13).update_yaxes(title_font_size=13)
    for i, surface in enumerate(surfaces.values()):
        figure.add_contour(
            x=single(surface.a),
            y=single(surface.b),
            z=single(logarithm(surface.loss)),
            contours=levels,
            coloraxis="coloraxis",
            line={"width": 0.6, "color": "rgba(250,250,250,0.45)"},
            connectgaps=False,
            customdata=single(surface.loss),
            hovertemplate="loss %{customdata:.4g} nats<extra></extra>",
            **on(i),
        )
        _add_path(figure, i, surface, levels)
        _add_places(figure, i, surface, levels, look)
    return with_colours(figure, levels, look, measured(surfaces.values()))


def _panel(i: int, name: str, surface: Surface) -> Panel:
    x, y = axis_titles(surface)
    return Panel(
        title=name,
        note=" really,<br>".join(about_start(surface).split(" really, ")),
        x=x,
        y=y,
        x_axis={"constrain": "domain", "showgrid": False},
        y_axis={
            "scaleanchor": f"x{i + 1 if i else ''}",
            "constrain": "domain",
            "showgrid": False,
        },
    )


def _heights(surfaces: Iterable[Surface]) -> list[int]:
    """Of each row, so that both axes have one scale in panels of usual width."""
    slopes = [
        float(np.ptp(one.b)) / max(float(np.ptp(one.a)), 1e-12) for one in surfaces
    ]
    rows = [max(slopes[i : i + COLUMNS]) for i in range(0, len(slopes), COLUMNS)]
    return [int(np.clip(WIDTH * slope, 180, 460)) for slope in rows]


def contours(surface: Surface, look: Look = LIGHT) -> go.Figure:
    """One surface alone, as `Surface.plot()` shows it."""
    return draw_surfaces({"loss": surface}, look)


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
    figure: go.Figure, levels: Mapping[str, Any], look: Look, lines: Sequence[str]
) -> go.Figure:
    """One colour scale with its losses in nats, below all panels.

    Args:
        figure: Gets the scale.
        levels: From `shared_levels`.
        look: Ink.
        lines: Stand above the scale.
    """
    layout = figure.to_dict()["layout"]
    below = layout["margin"]["b"]
    room = BAR + LINE * (1 + len(lines))
    # a title of the bar's own would wander with the height of the figure
    title = {
        "text": "<br>".join(["<b>loss</b> (nats per example, log scale)", *lines]),
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0,
        "yanchor": "top",
        "yshift": -below,
        "showarrow": False,
        "font": {"size": 12, "color": css(look.ink)},
    }
    bar = {
        "orientation": "h",
        "thickness": 12,
        "len": 0.7,
        "x": 0.5,
        "yref": "container",
        "y": 0,
        "yanchor": "bottom",
        **loss_ticks(levels),
        "outlinewidth": 0,
    }
    coloraxis = {
        "colorscale": SEQUENTIAL,
        "cmin": levels["start"],
        "cmax": levels["end"],
        "colorbar": bar,
    }
    meta = layout.get("meta") or {}
    if "narrow" in meta:
        patch = {**meta["narrow"]}
        patch["height"] += room
        if "annotations" in patch:
            patch["annotations"] = [*patch["annotations"], title]
        meta = {"narrow": patch}
    return figure.add_annotation(title).update_layout(
        coloraxis=coloraxis,
        height=layout["height"] + room,
        margin={"b": below + room},
        meta=meta,
    )


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


def _add_path(
    figure: go.Figure, i: int, surface: Surface, levels: Mapping[str, Any]
) -> None:
    """The way as a line; where the real loss is known, a dot in its colour."""
    steps = [Place(mark.name, mark) for mark in surface.marks if is_step(mark)]
    for width, colour in ((5, ON_COLOUR), (2, TRACK)) if steps else ():
        figure.add_scatter(
            x=[place.mark.a for place in steps],
            y=[place.mark.b for place in steps],
            mode="lines",
            line={"color": colour, "width": width},
            text=[words(*place) for place in steps],
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
            **on(i),
        )
    _add_dots(figure, i, _apart(steps, surface), levels, size=9)


def _apart(steps: Sequence[Place], surface: Surface) -> list[Place]:
    """Those that do not lie below the symbol of a named place."""
    nearest = APART * max(np.ptp(surface.a), np.ptp(surface.b))
    named = [place.mark for place in places(surface)]
    return [
        step
        for step in steps
        if all(np.hypot(step.mark.a - m.a, step.mark.b - m.b) > nearest for m in named)
    ]


def _add_places(
    figure: go.Figure,
    i: int,
    surface: Surface,
    levels: Mapping[str, Any],
    look: Look,
) -> None:
    """Named places; hollow where this network never was."""
    these = places(surface)
    _add_dots(figure, i, these, levels, size=14, symbol="diamond")
    hollow = {"size": 12, "symbol": "diamond-open", "color": ON_COLOUR}
    hollow |= {"line": {"width": 2.5}}
    _scatter(figure, i, [p for p in these if p.mark.true_loss is None], hollow)
    # names stand on the side where the path does not go
    middle = np.mean([mark.b for mark in surface.marks]) if these else 0.0
    for label, mark in these:
        up = mark.b >= middle
        figure.add_annotation(
            text=label,
            x=mark.a,
            y=mark.b,
            xref=on(i)["xaxis"],
            yref=on(i)["yaxis"],
            yanchor="bottom" if up else "top",
            yshift=11 if up else -11,
            showarrow=False,
            borderpad=2,
            font={"size": 12, "color": css(look.ink)},
            bgcolor=css(look.paper, 0.85),
        )


def _add_dots(
    figure: go.Figure,
    i: int,
    these: Sequence[Place],
    levels: Mapping[str, Any],
    *,
    size: int,
    symbol: str = "circle",
) -> None:
    """Places that a network really was at, in the colour of the loss it had there."""
    real = [(place, place.mark.true_loss) for place in these]
    known = [(place, loss) for place, loss in real if loss is not None]
    colour = logarithm(np.array([loss for _, loss in known]))
    marker = {
        "size": size,
        "symbol": symbol,
        "color": colour.tolist(),
        # not the contours' own axis: plotly.js 4.1 never comes back from sharing it
        "colorscale": SEQUENTIAL,
        "cmin": levels["start"],
        "cmax": levels["end"],
        "line": {"color": ON_COLOUR, "width": 1.5},
    }
    _scatter(figure, i, [place for place, _ in known], marker)


def _scatter(
    figure: go.Figure, i: int, these: Sequence[Place], marker: dict[str, Any]
) -> None:
    if these:
        figure.add_scatter(
            x=[place.mark.a for place in these],
            y=[place.mark.b for place in these],
            mode="markers",
            marker=marker,
            text=[words(*place) for place in these],
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
            **on(i),
        )


def _drawing(kind: str) -> Callable[[Result, Look], Drawn]:
    def draw(result: Result, look: Look) -> Drawn:
        surfaces = stored(result, kind)
        seen = [_in_words(name, one) for name, one in surfaces.items()]
        alt = "; ".join([*seen, *measured(surfaces.values())])
        return Drawn(draw_surfaces(surfaces, look), f"{alt}.")

    return draw


def _in_words(name: str, surface: Surface) -> str:
    low, high = np.nanmin(surface.loss), np.nanmax(surface.loss)
    parts = [f"{name}: loss {low:.3g} to {high:.3g} nats", about_start(surface)]
    if "explained_1" in surface.facts:
        share, walk = (surface.facts[n] for n in ("explained_1", "null_1"))
        parts.append(
            f"{percent(share)} of the path along direction 1 (random walk: "
            f"{percent(walk)})"
        )
    return ", ".join(part for part in parts if part)


_DOTS = (
    "A dot on the path has the colour of the loss that the network really had there: "
    "where it differs from the colours around it, the slice shows another loss than "
    "training met, because the path leaves the slice (touch a dot for numbers)."
)
COMMON = Kind(
    id="surface-common",
    section="surface",
    title="The loss surface around both twins",
    reading=(
        "Each picture is a slice of the loss surface, dark low and bright high, same "
        "colours, levels and distances for all arms: round, evenly spaced contours "
        "mean that downhill points to the minimum, stretched ones that it does not. "
        "The slice goes through the common start and both ends; parameters that twins "
        f"do not share are at their ends' values. {_DOTS} Hollow: the twin's end."
    ),
    draw=_drawing("common"),
)
PATH = Kind(
    id="surface-path",
    section="surface",
    title="The loss surface along each path",
    reading=(
        "The slice in which each path moves most, its end at the origin: a path that "
        "runs straight down crosses every contour once, one that zigzags crosses the "
        "same ones again. The axes say how much of the path lies along them, and how "
        "much of a random walk would: only what exceeds the walk speaks of a "
        f"direction of its own. {_DOTS}"
    ),
    draw=_drawing("path"),
)
