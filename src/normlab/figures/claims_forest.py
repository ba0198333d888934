"""Every claim as a row: each seed's effect, their mean and its interval."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from normlab.analysis.claim import Claim
from normlab.analysis.text.layout import spread
from normlab.analysis.text.words import count, upper
from normlab.errors import NotMeasured
from normlab.figures.kit.claim_rows import (
    axis_of,
    called,
    measured,
    panels_of,
    several_places,
    words_of,
)
from normlab.figures.kit.marks import add_upright
from normlab.figures.kit.panels import Panel, axis_number, on, panels
from normlab.figures.kit.picture import Drawn, FigureKind, in_words
from normlab.figures.kit.theme import LIGHT, Style, Theme, css

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

LINE = 16  # pixels: of words above a row
MARK = 30  # of the row itself, half of it below its middle
MAX_SEEDS = 60  # points of single seeds in a row
MAX_ROWS = 240  # a page and more; browsers draw nothing of some hundred thousand pixels


def draw_claims_forest(
    claims: Sequence[Claim], styles: Mapping[str, Style], theme: Theme = LIGHT
) -> go.Figure:
    """Ratios on a logarithmic axis, differences below, each unit on one of its own.

    Of several rates or points each claim has a panel with a row for every place.

    Args:
        claims: Those without an estimate have a row in words alone.
        styles: Of every arm.
        theme: Paper and ink.
    """
    arms = len({claim.arm for claim in claims}) > 1
    places = several_places(claims)
    groups = panels_of(claims, by_claim=places)
    rates = {claim.rate for claim in claims if claim.compared == "same-rate"}
    shown = {"with_arm": arms, "with_place": places, "with_rate": len(rates) > 1}
    lines = [[words_of(claim, **shown) for claim in group] for group in groups]
    most = max(len(words) for group in lines for words in group)
    height = MARK + LINE * most  # of a row
    columns = 2 if places and len(groups) > 1 else 1
    figure = panels(
        theme,
        [
            _panel(group, height, title=called(group[0]) if places else "")
            for group in groups
        ],
        columns=columns,
        height=[
            height * max(map(len, groups[i : i + columns]))
            for i in range(0, len(groups), columns)
        ],
        narrow=[height * len(group) for group in groups],
        legend=not places,
    )
    traces, words, shades = [], [], []
    for i, group in enumerate(groups):
        add_upright(figure, i, _equal(group[0]), theme)
        for row, claim in enumerate(group):
            if measured(claim):
                shades.append(_shade(i, row, claim, styles[claim.arm], height))
                traces += _row(i, row, claim, styles[claim.arm])
            words.append(_words_above(i, row, lines[i][row], height, theme))
    # all at once: Plotly copies what is there whenever something is added
    figure.add_traces(traces)
    figure.update_layout(
        margin={"l": 16} if places else {"l": 16, "t": 16},
        shapes=(*figure.layout.shapes, *shades),
        annotations=(*figure.layout.annotations, *words),
    )
    return figure


def _panel(group: Sequence[Claim], height: int, *, title: str) -> Panel:
    ratio = group[0].definition.scale == "ratio"
    reach, below = _reach(group), MARK / 2 / height
    # the end of a long title has a line of its own, which a phone has room for
    title, _, note = title.partition(", ")
    return Panel(
        title=title,
        note=note,
        x=f"{axis_of(group[0])} (dotted: equal)",
        y="",
        x_axis={
            "type": "log" if ratio else "linear",
            "range": [-reach, reach],
            "tickangle": 0,
            **(_ticks(reach) if ratio else {}),
        },
        y_axis={
            "range": [len(group) - 1 + below, below - 1],
            "showticklabels": False,
            "showgrid": False,
            "showline": False,
            "ticks": "",
        },
    )


def _reach(group: Sequence[Claim]) -> float:
    """How far the axis goes to both sides of equal, as its `range` counts."""
    values = [
        value
        for claim in group
        for value in (claim.estimate, *(claim.interval or ()), *_effects(claim))
        if value is not None and math.isfinite(value)
    ]
    if group[0].definition.scale == "ratio":
        logs = [abs(math.log10(value)) for value in values if value > 0]
        return min(max([math.log10(1.25), *logs]) * 1.12, 6.0)
    return max([0.2, *(_unit(group[0]) * abs(value) for value in values)]) * 1.12


def _ticks(reach: float) -> dict[str, list[float] | list[str]]:
    """Round ratios inside the axis, e.g. 0.5, 1 and 2."""
    steps = (1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0, 1e3, 1e4, 1e5)
    fitting = [step for step in steps if math.log10(step) < reach][-2:]
    values = [*(1 / step for step in fitting), 1.0, *fitting]
    texts = [f"{value:.2g}" if value < 10 else f"{value:,.0f}" for value in values]
    return {"tickvals": values, "ticktext": texts}


def _equal(claim: Claim) -> float:
    return 1.0 if claim.definition.scale == "ratio" else 0.0


def _unit(claim: Claim) -> float:
    return 100.0 if axis_of(claim) == "percentage points" else 1.0


def _effects(claim: Claim) -> list[float]:
    return [effect.value for effect in claim.effects[:MAX_SEEDS]]


def _row(i: int, row: int, claim: Claim, style: Style) -> Iterator[go.Scatter]:
    """Single seeds, then their mean."""
    assert claim.estimate is not None, "only claims with an estimate are drawn"
    unit = _unit(claim)
    yield go.Scatter(
        x=[unit * value for value in _effects(claim)],
        y=[row] * len(_effects(claim)),
        mode="markers",
        marker={"color": style.colour(0.45), "size": 6, "symbol": style.marker},
        customdata=[effect.seed for effect in claim.effects[:MAX_SEEDS]],
        hovertemplate="seed %{customdata}: %{x:.3g}<extra></extra>",
        showlegend=False,
        name=f"{called(claim)}, a seed each",
        **on(i),
    )
    low, high = claim.interval or (claim.estimate, claim.estimate)
    yield go.Scatter(
        x=[unit * claim.estimate],
        y=[row],
        error_x={
            "symmetric": False,
            "array": [unit * (high - claim.estimate)],
            "arrayminus": [unit * (claim.estimate - low)],
            "color": style.colour(),
            "thickness": 2.5,
            "width": 6,
        },
        mode="markers",
        marker={
            "color": style.colour(),
            "size": 11,
            "symbol": style.marker,
            "line": {"width": 1.5, "color": style.colour()},
        },
        hovertemplate=f"{claim.numbers}<extra>{called(claim)}</extra>",
        showlegend=False,
        name=called(claim),
        **on(i),
    )


def _shade(i: int, row: int, claim: Claim, style: Style, height: int) -> dict[str, Any]:
    """The side of equal that the statement is about."""
    reach = _reach([claim]) * 100  # beyond the axis; the panel cuts it off
    ratio = claim.definition.scale == "ratio"
    far = 10 ** min(reach, 12.0) if ratio else reach
    side = far if claim.definition.sign > 0 else (1 / far if ratio else -far)
    n = axis_number(i)
    return {
        "type": "rect",
        "xref": f"x{n}",
        "x0": _equal(claim),
        "x1": side,
        "yref": f"y{n}",
        "y0": row - MARK / 3 / height,
        "y1": row + MARK / 3 / height,
        "layer": "below",
        "line": {"width": 0},
        "fillcolor": style.colour(0.1),
    }


def _words_above(
    i: int, row: int, lines: Sequence[str], height: int, theme: Theme
) -> dict[str, Any]:
    n = axis_number(i)
    return {
        "text": "<br>".join(lines),
        "xref": f"x{n} domain",
        "x": 0,
        "xanchor": "left",
        "yref": f"y{n}",
        "y": row - MARK / 3 / height,
        "yanchor": "bottom",
        "align": "left",
        "showarrow": False,
        "bgcolor": css(theme.paper),  # the dotted line ends where words stand
        "font": {"size": 12, "color": css(theme.ink)},
    }


def _draw(result: StudyResult, theme: Theme) -> Drawn:
    claims = result.claims()
    if not any(map(measured, claims)):
        raise NotMeasured(
            "no claim has an effect, for no twins that trained have ended"
        )
    styles = theme.styles(result.record.spec.labels)
    drawn = few(claims)
    places = several_places(drawn)
    words = in_words(_words(claim, with_place=places) for claim in drawn)
    alt = f"Claims: {words}."
    if left := len(claims) - len(drawn):
        alt += f" {count(left, 'other claim')} of this study are not drawn."
    return Drawn(draw_claims_forest(drawn, styles, theme), alt)


def few(claims: Sequence[Claim]) -> Sequence[Claim]:
    """All claims, or of many those of some arms and places.

    Those at own best rates and over all rates go before those at equal rates, if any of
    them was measured; of too many places the first, the last and some between are
    taken, with all their claims.
    """
    if len(claims) <= MAX_ROWS:
        return claims
    first = [claim for claim in claims if claim.compared != "same-rate"]
    first = first if any(map(measured, first)) else claims
    places = Counter((claim.arm, claim.where) for claim in first)
    most = max(1, MAX_ROWS // max(places.values()))
    kept = set(spread(list(places), most))
    return [claim for claim in first if (claim.arm, claim.where) in kept]


def _words(claim: Claim, *, with_place: bool) -> str:
    of = f"{claim.labels[0]}, {claim.where}" if with_place else claim.labels[0]
    return f"{upper(claim.numbers)} ({of}), {claim.verdict.replace('-', ' ')}"


KIND = FigureKind(
    id="claims",
    section="curious",
    of_one_setting=False,
    title="All claims at a glance",
    reading=(
        "One row per claim, over several settings a panel per claim: small marks are "
        "single seeds, the large mark their mean with its 95 % interval. The shaded "
        "side of the dotted line is the one that the statement asserts: an interval "
        "wholly there speaks for it, wholly on the other side against it."
    ),
    draw=_draw,
)
