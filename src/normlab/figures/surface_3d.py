"""Loss surfaces in three dimensions, for those who want to walk around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from normlab.figures.kit.curves import single
from normlab.figures.kit.loss_scale import (
    LossScale,
    with_colours,
)
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.figures.kit.plane import (
    axis_titles,
    in_values,
    paths,
    places,
    stored,
    unit_of,
    words,
)
from normlab.figures.kit.plane_panels import COLUMNS
from normlab.figures.kit.theme import LIGHT, Theme, css
from normlab.figures.kit.waymarks import LINES
from normlab.records.surface import Mark, Surface

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

HEIGHT = 440  # pixels, of each row
NARROW_HEIGHT = 310
SMALL = {"size": 11}
EYE, LOOKING_AT = (1.2, -1.4, 0.9), {"z": -0.12}
FARTHER = 1.2  # on a narrow page, where axis titles would be cut off
ABOVE = 0.015  # of a scene's height: the path lies on its surface and does not sink in


def draw_surfaces_3d(
    surfaces: Mapping[str, Surface], theme: Theme = LIGHT
) -> go.Figure:
    """A scene each, height and colour the logarithm of the loss, the path on it.

    Args:
        surfaces: By what their scenes are called.
        theme: Paper and ink.
    """
    surfaces = {name: in_values(one) for name, one in surfaces.items()}
    scale = LossScale.of(surfaces.values())
    lift = ABOVE * (scale.high - scale.low)
    columns = min(COLUMNS, len(surfaces))
    figure = go.Figure()
    layout: dict[str, Any] = {"height": HEIGHT * -(-len(surfaces) // columns)}
    patch: dict[str, Any] = {"height": NARROW_HEIGHT * len(surfaces)}
    for i, (name, surface) in enumerate(surfaces.items()):
        scene = f"scene{i + 1 if i else ''}"
        _add_surface(figure, scene, name, surface, scale)
        _add_path(figure, scene, surface, scale, lift)
        layout[scene] = {
            "domain": _domain(i, columns, len(surfaces)),
            "annotations": _labels(surface, scale, lift, theme),
            "camera": _camera(1.0),
            **_axes(surface, scale, lift),
        }
        patch[f"{scene}.domain"] = _domain(i, 1, len(surfaces))
        patch[f"{scene}.camera"] = _camera(FARTHER)
    layout["annotations"] = _titles(surfaces, columns, theme)
    patch["annotations"] = _titles(surfaces, 1, theme)
    figure.update_layout(
        template=theme.template(),
        margin={"l": 8, "r": 8, "t": 24, "b": 16},
        meta={"narrow": patch},
        **layout,
    )
    return with_colours(figure, scale, theme, surfaces.values())


def _domain(i: int, columns: int, count: int) -> dict[str, list[float]]:
    """Where scene `i` of `count` stands: from left to right, then down."""
    row, column = divmod(i, columns)
    rows = -(-count // columns)
    return {
        "x": [column / columns, (column + 1) / columns],
        "y": [1 - (row + 1) / rows, 1 - row / rows],
    }


def _camera(distance: float) -> dict[str, Any]:
    eye = {axis: distance * at for axis, at in zip("xyz", EYE, strict=True)}
    return {"eye": eye, "center": LOOKING_AT}


def _add_surface(
    figure: go.Figure,
    scene: str,
    name: str,
    surface: Surface,
    scale: LossScale,
) -> None:
    figure.add_surface(
        x=single(surface.a),
        y=single(surface.b),
        z=single(scale.at(surface.loss)),
        customdata=single(surface.loss),
        coloraxis="coloraxis",
        connectgaps=False,
        scene=scene,
        name=name,
        hovertemplate=(
            f"loss %{{customdata:.4g}} {surface.unit}<extra>%{{fullData.name}}</extra>"
        ),
        # flat light: height and colour are the same number, shadows are not
        lighting={"ambient": 0.85, "diffuse": 0.3, "specular": 0.05},
        contours={
            "z": {**scale.levels, "show": True, "color": "rgba(250,250,250,0.5)"}
        },
    )


def _add_path(
    figure: go.Figure, scene: str, surface: Surface, scale: LossScale, lift: float
) -> None:
    """Each path where it is seen on the plane, at the plane's loss."""
    for line, (name, steps) in zip(cycle(LINES), paths(surface).items(), strict=False):
        figure.add_scatter3d(
            x=[mark.a for mark in steps],
            y=[mark.b for mark in steps],
            z=_heights(steps, scale, lift),
            mode="lines",
            line={**line, "width": 6},
            text=[words(mark.name, mark) for mark in steps],
            hovertemplate="%{text}<extra></extra>",
            name=name,
            showlegend=bool(name),
            scene=scene,
        )


def _heights(marks: Sequence[Mark], scale: LossScale, lift: float) -> list[float]:
    losses = [np.nan if m.plane_loss is None else m.plane_loss for m in marks]
    return (scale.at(np.array(losses)) + lift).tolist()


def _labels(
    surface: Surface, scale: LossScale, lift: float, theme: Theme
) -> list[dict[str, Any]]:
    """Names of the marked places, as flags above them.

    Where no network of this path ever was, as at the other twin's end, there is none:
    flags would hide each other.
    """
    named = places(surface)
    these = [place for place in named if place.mark.true_loss is not None] or named
    heights = _heights([place.mark for place in these], scale, lift)
    return [
        {
            "text": label,
            "x": mark.a,
            "y": mark.b,
            "z": height,
            "ax": 0,
            "ay": -28,
            "arrowwidth": 1.5,
            "arrowhead": 0,
            "arrowcolor": css(theme.ink),
            "font": {"size": 12, "color": css(theme.ink)},
            "bgcolor": css(theme.paper, 0.85),
        }
        for (label, mark), height in zip(these, heights, strict=True)
        if np.isfinite(height)
    ]


def _axes(surface: Surface, scale: LossScale, lift: float) -> dict[str, Any]:
    x, y = (title.rpartition(", ")[2] for title in axis_titles(surface))
    across, along = float(np.ptp(surface.a)), float(np.ptp(surface.b))
    widest, unit = max(across, along), unit_of([surface])
    return {
        "xaxis": {"title": {"text": x, "font": SMALL}, "tickfont": SMALL},
        "yaxis": {"title": {"text": y, "font": SMALL}, "tickfont": SMALL},
        "zaxis": {
            "title": {"text": f"loss{unit and f' ({unit})'}", "font": SMALL},
            "tickfont": SMALL,
            "range": [scale.low, scale.high + lift],
            **scale.ticks,
        },
        "aspectmode": "manual",
        "aspectratio": {"x": across / widest, "y": along / widest, "z": 0.6},
    }


def _titles(
    names: Mapping[str, Surface], columns: int, theme: Theme
) -> list[dict[str, Any]]:
    """What each scene is called, in its upper left corner."""
    places = [_domain(i, columns, len(names)) for i in range(len(names))]
    return [
        {
            "text": f"<b>{name}</b>",
            "xref": "paper",
            "yref": "paper",
            "x": place["x"][0],
            "y": place["y"][1],
            "xanchor": "left",
            "yanchor": "top",
            "showarrow": False,
            "font": {"size": 13, "color": css(theme.ink)},
        }
        for name, place in zip(names, places, strict=True)
    ]


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    surfaces = stored(result, "common")
    alt = f"The surfaces of {', '.join(surfaces)} above the same slice."
    return Drawn(draw_surfaces_3d(surfaces, theme), alt)


KIND = FigureKind(
    id="surface-3d",
    section="surface",
    of_one_setting=True,
    title="The same surfaces in three dimensions",
    reading=(
        "Drag to turn. Height and colour are the logarithm of the loss, the same for "
        "all arms; this is the slice around both twins again, with the path drawn at "
        "the slice's loss, not at that of the networks on it."
    ),
    draw=_draw,
    at_once=False,
)
