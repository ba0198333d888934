"""How far a loss surface depends on the statistics that norms take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from normlab.errors import BadSetting, NotMeasured
from normlab.figures.kit.color_bar import with_bar
from normlab.figures.kit.curves import single
from normlab.figures.kit.panels import on
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.figures.kit.plane import in_values, interpolation, stored
from normlab.figures.kit.plane_panels import PlanePanel, plane_panels
from normlab.figures.kit.theme import LIGHT, Theme
from normlab.figures.kit.waymarks import add_names, add_path, add_places
from normlab.records.bare_names import inner_names
from normlab.records.surface import Surface

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

DIVERGING = "PuOr"  # orange, pale, purple: told apart by every colour vision
BANDS = 15  # odd: no difference lies within a band, not on an edge
SMALLEST = 2.0  # per cent; two interpolations can make half as much
STEPS = (1, 2, 5, 10)
FEW = 3  # ticks on either side of 0 have room on a phone


@dataclass(frozen=True, kw_only=True)
class SurfacePair:
    """A surface and what it is compared with, on the same points of the same plane."""

    title: str
    surface: Surface
    reference: Surface

    @property
    def difference(self) -> NDArray[np.float64]:
        r"""Per cent of the reference's loss, $100 (L - L_0) / \lvert L_0\rvert$.

        Shape (rows, columns); a hole where either has one, or where $L_0$ is 0.
        """
        before = self.reference.loss
        known = np.isfinite(self.surface.loss) & np.isfinite(before) & (before != 0)
        relative = np.full(before.shape, np.nan)
        apart = self.surface.loss[known] - before[known]
        relative[known] = 100 * apart / np.abs(before[known])
        return relative


def draw_differences(pairs: Sequence[SurfacePair], theme: Theme = LIGHT) -> go.Figure:
    r"""A panel each, on one scale about 0, with the path drawn on it.

    Colours are even in $\pm\log(1 + \lvert d\rvert)$ of the difference $d$ in per
    cent: stored averages may be off by 1000 % where whole batches are by 10 %.

    Args:
        pairs: From left to right, then down.
        theme: Paper and ink.

    Raises:
        NotMeasured: If no point of any has two finite losses.
    """
    pairs = [
        replace(p, surface=in_values(p.surface), reference=in_values(p.reference))
        for p in pairs
    ]
    known = _known(pairs)
    reach = _rounded_up(max(SMALLEST, float(np.abs(known).max())))
    figure = plane_panels(theme, [_panel(pair) for pair in pairs])
    end = float(_even(reach))
    width = 2 * end / BANDS
    for i, pair in enumerate(pairs):
        figure.add_contour(
            x=single(pair.surface.a),
            y=single(pair.surface.b),
            z=single(_even(pair.difference)),
            contours={"start": -end + width, "end": end - width, "size": width},
            coloraxis="coloraxis",
            line={"width": 0.6, "color": "rgba(60,60,60,0.35)"},
            connectgaps=False,
            customdata=single(pair.difference),
            hovertemplate="%{customdata:+.3g} %<extra></extra>",
            **on(i),
        )
        add_path(figure, i, pair.surface)
        add_places(figure, i, pair.surface)
        add_names(figure, i, pair.surface, theme)
    every = [one for pair in pairs for one in (pair.surface, pair.reference)]
    sizes = sorted({one.examples for one in every})
    references = sorted({pair.reference.evaluation for pair in pairs})
    lines = [
        "<b>difference of the loss</b>",
        f"in per cent of the loss with {', '.join(references)} statistics",
        f"means over {', '.join(f'{size:,}' for size in sizes)} examples",
        interpolation(every),
    ]
    return with_bar(figure, _colours(reach, float(known.min())), theme, lines)


def _panel(pair: SurfacePair) -> PlanePanel:
    note = f"against {pair.reference.evaluation}<br>{_in_words(pair)}"
    return PlanePanel(pair.title, note, pair.surface)


def draw_difference(
    surface: Surface, reference: Surface, theme: Theme = LIGHT
) -> go.Figure:
    """One surface against another, as `Surface.plot(against=...)` shows it.

    Raises:
        BadSetting: If they were not measured at the same points of the same plane.
    """
    refuse_another_plane(surface, reference)
    pair = SurfacePair(title=surface.evaluation, surface=surface, reference=reference)
    return draw_differences([pair], theme)


def refuse_another_plane(surface: Surface, other: Surface) -> None:
    """See that both can be compared point by point.

    Raises:
        BadSetting: If they were not measured at the same points of the same plane.
    """
    if not isinstance(other, Surface):
        raise BadSetting(
            f"against={type(other).__name__} is no surface. Give one that "
            "normlab.surface measured."
        )
    same_points = all(
        np.array_equal(mine, its)
        for mine, its in ((surface.a, other.a), (surface.b, other.b))
    )
    if not (same_points and _same_directions(surface, other)):
        raise BadSetting(
            f"against: was not measured at the same points of the same plane (here "
            f"{_points(surface)}, there {_points(other)}). Measure both with the same "
            "plane, points, reach and seed."
        )


def _same_directions(surface: Surface, other: Surface) -> bool:
    """Also where one network stands in a wrapper that changes its names."""
    return all(
        mine.keys() == its.keys() and all(np.array_equal(mine[n], its[n]) for n in mine)
        for mine, its in zip(
            map(_bare, surface.directions), map(_bare, other.directions), strict=True
        )
    )


def _bare(direction: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    names = inner_names(direction.keys())
    return {names[name]: array for name, array in direction.items()}


def _points(surface: Surface) -> str:
    return f"{len(surface.a)} x {len(surface.b)} points of a plane '{surface.plane}'"


def _even(difference: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Where a difference in per cent stands on the scale."""
    return np.sign(difference) * np.log10(1 + np.abs(difference))


def _known(pairs: Iterable[SurfacePair]) -> NDArray[np.float64]:
    """All differences there are."""
    every = np.concatenate([pair.difference.ravel() for pair in pairs])
    known = every[np.isfinite(every)]
    if not known.size:
        raise NotMeasured("no point of any surface has two finite losses")
    return known


def _rounded_up(value: float) -> float:
    """To the next of 1, 2, 5, 10, 20, ...

    Example:
        >>> _rounded_up(1.0), _rounded_up(26), _rounded_up(230)
        (1.0, 50.0, 500.0)
    """
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * next(step for step in STEPS if step * power >= value))


def _colours(reach: float, least: float) -> dict[str, Any]:
    end = float(_even(reach))
    # no loss above 0 falls by more than all of it
    ticks = [tick for tick in _ticks(reach) if tick >= min(-100, least)]
    return {
        "colorscale": DIVERGING,
        "cmin": -end,
        "cmax": end,
        "tickvals": _even(np.array(ticks)).tolist(),
        "ticktext": [f"{tick:+g}".replace("-", "−") if tick else "0" for tick in ticks],
    }


def _ticks(reach: float) -> list[float]:
    """Round differences on both sides of 0, the largest ones where there are many.

    Example:
        >>> _ticks(50.0)[3:], _ticks(2000.0)[3:]
        ([0.0, 3.0, 10.0, 30.0], [0.0, 10.0, 100.0, 1000.0])
    """
    powers = 10.0 ** np.arange(np.floor(np.log10(reach)) + 1)
    digits = (1, 3) if reach < 100 else (1,)
    sizes = [float(d * power) for power in powers for d in digits if d * power < reach]
    few = sizes[-FEW:]
    return [*(-size for size in reversed(few)), 0.0, *few]


def _in_words(pair: SurfacePair) -> str:
    sizes = np.abs(pair.difference)
    if not np.isfinite(sizes).any():
        return "no two finite losses"
    return f"median {_short(np.nanmedian(sizes))}, largest {_short(np.nanmax(sizes))}"


def _short(size: float) -> str:
    return f"{size:.2g} %" if size < 100 else f"{size:,.0f} %"


def _pairs(result: StudyResult) -> list[SurfacePair]:
    """Each further statistics against the first, on the study's first plane."""
    asked = result.record.spec.surfaces
    first, *further = asked.statistics
    if not further:
        raise NotMeasured(
            f"surfaces have one kind of statistics (surfaces.statistics = {first})"
        )
    kind = asked.planes[0]
    references = stored(result, kind)
    return [
        SurfacePair(
            title=f"{name}: {surface.evaluation}",
            surface=surface,
            reference=references[name],
        )
        for statistics in further
        for name, surface in stored(result, kind, statistics).items()
        if name in references
    ]


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    pairs = _pairs(result)
    seen = [
        f"{pair.title} against {pair.reference.evaluation}: {_in_words(pair)}"
        for pair in pairs
    ]
    return Drawn(draw_differences(pairs, theme), f"{'; '.join(seen)}.")


KIND = FigureKind(
    id="surface-difference",
    section="curious",
    of_one_setting=True,
    title="What the statistics change",
    reading=(
        "The same networks on the same slice, their loss with other statistics in "
        "their norms against that with the first: purple where it is higher, orange "
        "where it is lower, pale where it does not matter which are meant. An arm "
        "without a norm over the batch has no difference; less than 1 % may come from "
        "interpolation."
    ),
    draw=_draw,
)
