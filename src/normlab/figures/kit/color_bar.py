"""One colour scale for all panels, below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from normlab.figures.kit.panels import LINE
from normlab.figures.kit.theme import Theme, css

BAR = 48  # pixels: the scale and its numbers


def with_bar(
    figure: go.Figure, colours: Mapping[str, Any], theme: Theme, lines: Sequence[str]
) -> go.Figure:
    """Room below the panels, and in it the scale of the figure's `coloraxis`.

    Args:
        figure: Gets the scale.
        colours: Its `colorscale`, `cmin`, `cmax`, `tickvals` and `ticktext`.
        theme: Ink.
        lines: Stand above the scale, the first of them is its title.
    """
    layout = figure.to_dict()["layout"]
    below = layout["margin"]["b"]
    room = BAR + LINE * len(lines)
    # a title of the bar's own would wander with the height of the figure
    title = {
        "text": "<br>".join(lines),
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0,
        "yanchor": "top",
        "yshift": -below,
        "showarrow": False,
        "font": {"size": 12, "color": css(theme.ink)},
    }
    bar = {
        "orientation": "h",
        "thickness": 12,
        "len": 0.9,
        "x": 0.5,
        "yref": "container",
        "y": 0,
        "yanchor": "bottom",
        "tickvals": colours["tickvals"],
        "ticktext": colours["ticktext"],
        "tickangle": 0,
        "tickfont": {"size": 11},
        # dark ends of a scale are not to vanish on dark paper
        "outlinewidth": 1,
        "outlinecolor": css(theme.muted),
    }
    axis = {name: colours[name] for name in ("colorscale", "cmin", "cmax")}
    meta = layout.get("meta") or {}
    if "narrow" in meta:
        patch = {**meta["narrow"]}
        patch["height"] += room
        if "annotations" in patch:
            patch["annotations"] = [*patch["annotations"], title]
        meta = {"narrow": patch}
    return figure.add_annotation(title).update_layout(
        coloraxis={**axis, "colorbar": bar},
        height=layout["height"] + room,
        margin={"b": below + room},
        meta=meta,
    )
