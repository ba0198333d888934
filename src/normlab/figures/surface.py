"""Loss surfaces of all arms as contours, on one colour scale and the same levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from normlab.errors import NotMeasured
from normlab.figures.curves import single
from normlab.figures.kept_surface import Kept, MarkLike, SurfaceLike, kept
from normlab.figures.look import LIGHT, ON_COLOUR, SEQUENTIAL, TRACK, Look
from normlab.figures.observed import seen
from normlab.figures.panels import Panel, on, panels
from normlab.figures.picture import Drawn, Kind

if TYPE_CHECKING:
    from normlab.analysis.result import Result

LEVELS = 18
FLOOR = 1e-8  # nats; below it a logarithm would stretch the colours


def draw_surfaces(
    surfaces: Mapping[str, SurfaceLike],
    look: Look = LIGHT,
    *,
    x: str = "direction 1",
    y: str = "direction 2",
) -> go.Figure:
    """Contours of the logarithm of the loss, a panel per arm, with the path on them.

    Both axes of a panel have one scale, so that round is round.

    Args:
        surfaces: By arm.
        look: Paper and ink.
        x: What the first direction is.
        y: What the second direction is.
    """
    levels = shared_levels(surfaces.values())
    arms = list(surfaces)
    figure = panels(
        look,
        [
            Panel(
                title=f"{arm}, statistics {surfaces[arm].evaluation}",
                x=x,
                y=y,
                x_axis={"constrain": "domain", "showgrid": False},
                y_axis={
                    "scaleanchor": f"x{i + 1 if i else ''}",
                    "constrain": "domain",
                    "showgrid": False,
                },
            )
            for i, arm in enumerate(arms)
        ],
        height=_panel_height(surfaces.values()),
    )
    for i, arm in enumerate(arms):
        surface = surfaces[arm]
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
        _add_path(figure, i, surface.marks)
    return with_colours(figure, levels)


def _panel_height(surfaces: Iterable[SurfaceLike]) -> int:
    """So that both axes have one scale in a panel of usual width."""
    slopes = [
        float(np.ptp(one.b)) / max(float(np.ptp(one.a)), 1e-12) for one in surfaces
    ]
    return int(np.clip(450 * max(slopes), 180, 460))


def contours(surface: SurfaceLike, look: Look = LIGHT) -> go.Figure:
    """One surface alone, as `Surface.plot()` shows it."""
    return draw_surfaces({"loss": surface}, look)


def shared_levels(surfaces: Iterable[SurfaceLike]) -> dict[str, Any]:
    """The same contour levels for all, even in the logarithm of the loss.

    Raises:
        NotMeasured: If no surface has a finite value.
    """
    every = np.concatenate([logarithm(surface.loss).ravel() for surface in surfaces])
    every = every[np.isfinite(every)]
    if not every.size:
        raise NotMeasured("no point of any surface has a finite loss")
    low, high = float(every.min()), float(every.max())
    size = max(high - low, 1e-3) / LEVELS
    return {"start": low, "end": high, "size": size}


def logarithm(loss: NDArray[np.float64]) -> NDArray[np.float64]:
    """Base 10; what is not finite becomes a hole."""
    with np.errstate(invalid="ignore"):
        logs = np.log10(np.maximum(loss, FLOOR))
    return np.where(np.isfinite(logs), logs, np.nan)


def with_colours(figure: go.Figure, levels: Mapping[str, Any]) -> go.Figure:
    """One colour scale with its losses in nats, below all panels."""
    low, high = levels["start"], levels["end"]
    values = np.linspace(low, high, 4)
    layout = figure.to_dict()["layout"]
    bottom, height = 64, layout["height"] + 64
    bar = {
        "orientation": "h",
        "thickness": 12,
        "len": 0.7,
        "x": 0.5,
        "yref": "container",
        "y": 0,
        "yanchor": "bottom",
        "title": {"text": "loss (nats per example, log scale)", "side": "bottom"},
        "tickvals": values.tolist(),
        "ticktext": [f"{10**value:.2g}" for value in values],
        "outlinewidth": 0,
    }
    coloraxis = {"colorscale": SEQUENTIAL, "cmin": low, "cmax": high, "colorbar": bar}
    meta = layout.get("meta") or {}
    if "narrow" in meta:
        patch = meta["narrow"]
        meta = {"narrow": {**patch, "height": patch["height"] + 64}}
    return figure.update_layout(
        coloraxis=coloraxis,
        height=height,
        margin={"b": layout["margin"]["b"] + bottom},
        meta=meta,
    )


def _add_path(figure: go.Figure, i: int, marks: Sequence[MarkLike]) -> None:
    steps = [mark for mark in marks if mark.name.startswith("step ")]
    if steps:
        for width, colour in ((5, ON_COLOUR), (2, TRACK)):
            figure.add_scatter(
                x=[mark.a for mark in steps],
                y=[mark.b for mark in steps],
                mode="lines+markers",
                line={"color": colour, "width": width},
                marker={"size": width + 2, "color": colour},
                text=[_words(mark) for mark in steps],
                hovertemplate="%{text}<extra></extra>",
                showlegend=False,
                **on(i),
            )
    named = [mark for mark in marks if mark not in steps] or [*steps[:1], *steps[-1:]]
    figure.add_scatter(
        x=[mark.a for mark in named],
        y=[mark.b for mark in named],
        mode="markers+text",
        text=[f"<b>{mark.name}</b>" for mark in named],
        textposition="top center",
        textfont={"color": ON_COLOUR, "shadow": "0 0 3px rgb(0,0,0)"},
        marker={
            "size": 11,
            "symbol": "x",
            "color": TRACK,
            "line": {"color": ON_COLOUR, "width": 1.5},
        },
        hovertext=[_words(mark) for mark in named],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
        **on(i),
    )


def _words(mark: MarkLike) -> str:
    parts = [f"{mark.name}: {mark.off_plane:.3g} off the plane"]
    if mark.true_loss is not None:
        parts.append(f"true loss {mark.true_loss:.4g}")
    if mark.plane_loss is not None:
        parts.append(f"loss on the plane {mark.plane_loss:.4g}")
    return ", ".join(parts)


def stored(result: Result, plane: str) -> dict[str, Kept]:
    """The surfaces of all arms on one kind of plane.

    Raises:
        NotMeasured: If there is none.
    """
    found: dict[str, Kept] = {}
    for key, arrays in seen(result, f"surface-{plane}").items():
        found.setdefault(key.arm, kept(arrays))
    return found


def _drawing(plane: str, x: str, y: str) -> Any:
    def draw(result: Result, look: Look) -> Drawn:
        surfaces = stored(result, plane)
        words = "; ".join(
            f"{arm}: loss {np.nanmin(one.loss):.3g} to {np.nanmax(one.loss):.3g} nats, "
            f"statistics {one.evaluation}, estimated error "
            f"{100 * one.estimated_error:.2g} %"
            for arm, one in surfaces.items()
        )
        return Drawn(draw_surfaces(surfaces, look, x=x, y=y), f"{words}.")

    return draw


COMMON = Kind(
    id="surface-common",
    section="surface",
    title="The loss surface around both twins",
    reading=(
        "Each picture is a slice of the loss surface, dark low and bright high, same "
        "colours, levels and distances for all arms: round, evenly spaced contours "
        "mean that downhill points to the minimum, stretched ones that it does not. "
        "The slice goes through the common start and both ends; where a point's "
        "other parameters differ, its true loss stands beside it (touch a mark)."
    ),
    draw=_drawing("common", "from the start to one end", "towards the other end"),
)
PATH = Kind(
    id="surface-path",
    section="surface",
    title="The loss surface along each path",
    reading=(
        "The slice in which each path moves most, the end at the origin: a path that "
        "runs straight down crosses every contour once, one that zigzags crosses the "
        "same ones again. The path leaves the slice; how far, and the true loss there, "
        "stand beside each mark."
    ),
    draw=_drawing("path", "first principal direction", "second principal direction"),
)
