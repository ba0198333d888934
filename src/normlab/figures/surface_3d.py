"""Loss surfaces in three dimensions, for those who want to walk around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from normlab.figures.curves import single
from normlab.figures.kept_surface import SurfaceLike
from normlab.figures.look import LIGHT, Look
from normlab.figures.picture import Drawn, Kind
from normlab.figures.surface import (
    logarithm,
    shared_levels,
    stored,
    with_colours,
)

if TYPE_CHECKING:
    from normlab.analysis.result import Result

HEIGHT = 460


def draw_surfaces_3d(
    surfaces: Mapping[str, SurfaceLike], look: Look = LIGHT
) -> go.Figure:
    """A scene per arm, height and colour the logarithm of the loss.

    Args:
        surfaces: By arm.
        look: Paper and ink.
    """
    levels = shared_levels(surfaces.values())
    heights = [levels["start"], levels["end"]]
    layout: dict[str, Any] = {}
    patch: dict[str, Any] = {"height": 120 + 330 * len(surfaces)}
    figure = go.Figure()
    for i, (arm, surface) in enumerate(surfaces.items()):
        scene = f"scene{i + 1 if i else ''}"
        figure.add_surface(
            x=single(surface.a),
            y=single(surface.b),
            z=single(logarithm(surface.loss)),
            coloraxis="coloraxis",
            scene=scene,
            name=arm,
            hovertemplate="log₁₀ loss %{z:.2f}<extra>%{fullData.name}</extra>",
        )
        width = 1 / len(surfaces)
        layout[scene] = {
            "domain": {"x": [i * width, (i + 1) * width], "y": [0, 1]},
            "xaxis": {"title": {"text": f"{arm}: direction 1"}},
            "yaxis": {"title": {"text": "direction 2"}},
            "zaxis": {"title": {"text": "log₁₀ loss"}, "range": heights},
            "aspectmode": "manual",
            "aspectratio": {"x": 1, "y": 1, "z": 0.6},
            "camera": {"eye": {"x": 1.2, "y": -1.3, "z": 0.9}},
        }
        top = 1 - i * width
        patch[f"{scene}.domain"] = {"x": [0, 1], "y": [top - width, top]}
    figure.update_layout(
        template=look.template(),
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 24, "b": 16},
        meta={"narrow": patch},
        **layout,
    )
    return with_colours(figure, levels)


def _draw(result: Result, look: Look) -> Drawn:
    surfaces = stored(result, "common")
    alt = f"The surfaces of {', '.join(surfaces)} above the same slice."
    return Drawn(draw_surfaces_3d(surfaces, look), alt)


KIND = Kind(
    id="surface-3d",
    section="surface",
    title="The same surfaces in three dimensions",
    reading=(
        "Drag to turn. Height and colour are the logarithm of the loss, the same for "
        "all arms; this is the slice around both twins again."
    ),
    draw=_draw,
    at_once=False,
)
