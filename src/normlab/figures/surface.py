"""Loss surfaces of all arms as contours, on one colour scale and the same levels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from normlab.figures.kit.curves import single
from normlab.figures.kit.loss_scale import LossScale, with_colours
from normlab.figures.kit.panels import on
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.figures.kit.plane import (
    about_start,
    in_values,
    measured,
    places,
    share_text,
    stored,
    unit_of,
)
from normlab.figures.kit.plane_panels import PlanePanel, plane_panels
from normlab.figures.kit.theme import LIGHT, Theme
from normlab.figures.kit.waymarks import (
    add_hollow,
    add_names,
    add_path,
    add_real_losses,
)
from normlab.figures.line import draw_lines
from normlab.records.surface import Surface

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult


def draw_surfaces(surfaces: Mapping[str, Surface], theme: Theme = LIGHT) -> go.Figure:
    """Contours of the logarithm of the loss, a panel each, with the path on them.

    Both axes of a panel have one scale, so that round is round.

    Args:
        surfaces: By what their panels are called.
        theme: Paper and ink.
    """
    surfaces = {name: in_values(one) for name, one in surfaces.items()}
    scale = LossScale.of(surfaces.values())
    figure = plane_panels(
        theme, [PlanePanel(name, _note(one), one) for name, one in surfaces.items()]
    )
    for i, surface in enumerate(surfaces.values()):
        figure.add_contour(
            x=single(surface.a),
            y=single(surface.b),
            z=single(scale.at(surface.loss)),
            contours=scale.levels,
            coloraxis="coloraxis",
            line={"width": 0.6, "color": "rgba(250,250,250,0.45)"},
            connectgaps=False,
            customdata=single(surface.loss),
            hovertemplate=f"loss %{{customdata:.4g}} {surface.unit}<extra></extra>",
            **on(i),
        )
        add_path(figure, i, surface)
        add_real_losses(figure, i, surface, scale)
        elsewhere = [p for p in places(surface) if p.mark.true_loss is None]
        add_hollow(figure, i, elsewhere)
        add_names(figure, i, surface, theme)
    return with_colours(figure, scale, theme, surfaces.values())


def _note(surface: Surface) -> str:
    return " really,<br>".join(about_start(surface).split(" really, "))


def contours(
    surface: Surface, theme: Theme = LIGHT, *, title: str = "loss"
) -> go.Figure:
    """One surface alone, as `Surface.plot()` shows it; of a line its curve."""
    draw = draw_lines if surface.is_line else draw_surfaces
    return draw({title: surface}, theme)


def _drawing(kind: str) -> Callable[[StudyResult, Theme], Drawn]:
    def draw(result: StudyResult, theme: Theme) -> Drawn:
        surfaces = stored(result, kind)
        seen = [_in_words(name, one) for name, one in surfaces.items()]
        alt = "; ".join([*seen, *measured(surfaces.values())])
        return Drawn(draw_surfaces(surfaces, theme), f"{alt}.")

    return draw


def _in_words(name: str, surface: Surface) -> str:
    low, high = np.nanmin(surface.loss), np.nanmax(surface.loss)
    losses = f"{name}: loss {low:.3g} to {high:.3g} {unit_of([surface])}".rstrip()
    parts = [losses, about_start(surface)]
    if "explained_1" in surface.facts:
        share, walk = (surface.facts[n] for n in ("explained_1", "null_1"))
        parts.append(
            f"{share_text(share)} of the path along direction 1 (random walk: "
            f"{share_text(walk)})"
        )
    return ", ".join(part for part in parts if part)


_DOTS = (
    "A dot on the path has the colour of the loss that the network really had there: "
    "where it differs from the colours around it, the slice shows another loss than "
    "training met, because the path leaves the slice (touch a dot for numbers)."
)
COMMON = FigureKind(
    id="surface-common",
    section="surface",
    of_one_setting=True,
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
PATH = FigureKind(
    id="surface-path",
    section="surface",
    of_one_setting=True,
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
RANDOM = FigureKind(
    id="surface-random",
    section="curious",
    of_one_setting=True,
    title="The loss surface in random directions",
    reading=(
        "A slice about each trained network in two random directions, every filter as "
        "long as the weights' own (1: as long as the weights): it shows how flat the "
        "surroundings are, at the same distances for all arms, and nothing of the path."
    ),
    draw=_drawing("random"),
)
