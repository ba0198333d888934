"""What a figure shows, as tables of its own numbers: for who cannot see it drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from normlab.analysis.text.layout import spread

ROWS, COLUMNS = 12, 9  # of a table; more nobody reads
NONE = "–"
BESIDE = 0.3  # of the distance of two places in a row
_MAPS = ("contour", "heatmap", "surface")


class Table(NamedTuple):
    """Some of a panel's numbers, or all."""

    title: str
    """The panel, what is told of it and in which unit; how many of how many."""
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass
class _Curves:
    """Lines over the same places, and what lies between their bands."""

    places: list[str]
    columns: list[tuple[str, list[str]]] = field(default_factory=list)


def tables(figure: go.Figure) -> list[Table]:
    """The numbers that a figure draws, panel by panel.

    Curves have a column each beside their places, single points a row each, maps a
    row and a column for some of their places. Of many numbers evenly chosen ones are
    told, the first and the last among them, and the title says so.

    Args:
        figure: Of points, lines, bars and maps, as this package draws them.

    Example:
        >>> from normlab.figures.kit.panels import Panel, panels
        >>> from normlab.figures.kit.theme import LIGHT
        >>> figure = panels(LIGHT, [Panel(x="step", y="loss (nats)")])
        >>> figure = figure.add_scatter(x=[0, 9], y=[2, 1], mode="lines", name="with")
        >>> (table,) = tables(figure)
        >>> table.head, table.rows
        (('step', 'with'), (('0', '2'), ('9', '1')))
    """
    by_panel: dict[str, list[Any]] = {}
    for trace in figure.data:
        if not _only_joins(trace):
            by_panel.setdefault(_panel_of(trace), []).append(trace)
    scenes = [panel for panel in by_panel if panel.startswith("scene")]
    found: list[Table] = []
    for panel, traces in by_panel.items():
        if panel in scenes:
            name = _scene_name(figure, scenes.index(panel))
            scene = figure.layout[panel]
            axes = scene.xaxis, scene.yaxis
        else:
            name = _panel_name(figure, panel)
            y = traces[0].yaxis or "y"
            axes = figure.layout[f"xaxis{panel[1:]}"], figure.layout[f"yaxis{y[1:]}"]
        found += _tables_of(name, axes, _once(traces))
    return found


def _panel_of(trace: Any) -> str:
    if "scene" in trace:
        return trace.scene or "scene"
    return trace.xaxis or "x"


def _only_joins(trace: Any) -> bool:
    """Whether it is a line between points that are traces of their own."""
    nameless = trace.hoverinfo == "skip" and not trace.name
    return nameless and trace.line.dash != "dot"


def _panel_name(figure: go.Figure, x: str) -> str:
    """Title and note, which are tied to the panel's upper left corner."""
    texts = [
        text.text
        for text in figure.layout.annotations
        if text.xref == f"{x} domain" and str(text.yref).endswith("domain")
    ]
    return ", ".join(map(_plain, texts))


def _scene_name(figure: go.Figure, i: int) -> str:
    names = [a.text for a in figure.layout.annotations if a.text.startswith("<b>")]
    return _plain(names[i]) if i < len(names) else ""


def _once(traces: Sequence[Any]) -> list[Any]:
    """Without what is drawn twice, as a line and its rim."""
    drawn: dict[str, Any] = {}
    for trace in traces:
        where = "z" if trace.type in _MAPS else "xy"
        drawn[repr((trace.name, [_values(trace[way]) for way in where]))] = trace
    return list(drawn.values())


def _tables_of(name: str, axes: tuple[Any, Any], traces: list[Any]) -> Iterator[Table]:
    x_axis, y_axis = axes
    curves: dict[tuple[str, ...], _Curves] = {}
    points: list[Any] = []
    bands: dict[str, list[Any]] = {}  # told beside their lines
    for trace in filter(_is_band, traces):
        bands.setdefault(trace.name, []).append(trace)
    for trace in traces:
        if trace.type in _MAPS:
            yield _map(name, axes, trace)
        elif _is_band(trace):
            continue
        elif _is_curve(trace):
            places = _spoken(x_axis, trace.x)
            group = curves.setdefault(tuple(places), _Curves(places))
            group.columns.append((_called(trace), _spoken(y_axis, trace.y)))
            group.columns += _between(trace, bands.get(trace.name, ()))
        else:
            points.append(trace)
    for group in curves.values():
        chosen = spread(range(len(group.places)), ROWS)
        names = (of or _title(y_axis) for of, _ in group.columns)
        yield Table(
            _headed(name, _title(y_axis), len(chosen), len(group.places)),
            (_title(x_axis) or "at", *names),
            tuple(
                (group.places[i], *(column[i] for _, column in group.columns))
                for i in chosen
            ),
        )
    if points:
        yield _points(name, axes, points)


def _is_curve(trace: Any) -> bool:
    """Whether it has one value at each of several places, in their order."""
    x = _values(trace.x)
    drawn = "lines" in (trace["mode"] or "") if trace.type == "scatter" else False
    drawn |= trace.type == "bar" or _error(trace, "y") is not None
    if not drawn or len(x) < 2:
        return False
    if trace.text is not None:  # what is written at its places would be lost
        return False
    return bool((np.diff(np.asarray(x, np.float64)) > 0).all())


def _is_band(trace: Any) -> bool:
    return "fill" in trace and trace.fill == "toself"


def _between(line: Any, bands: Sequence[Any]) -> Iterator[tuple[str, list[str]]]:
    """The intervals of a line, and the band around it, each as a column."""
    if (own := _error(line, "y")) is not None:
        yield f"{_called(line)}: interval", _ends(line.y, own)
    for band in bands:
        half = len(band.x) // 2
        x, y = _values(band.x)[:half], _values(band.y)
        ends = zip(y[:half], y[half:][::-1], strict=True)
        texts = [f"{_text(low)} to {_text(high)}" for low, high in ends]
        at, places = dict(zip(x, texts, strict=True)), _values(line.x)
        if at.keys() <= {*places}:
            yield f"{_called(line)}: band", [at.get(x, NONE) for x in places]


def _points(name: str, axes: tuple[Any, Any], traces: Sequence[Any]) -> Table:
    """A row for each point: whose it is, where it stands, what is written at it."""
    x_axis, y_axis = axes
    rows: list[tuple[str, ...]] = []
    of_all = 0
    for trace in traces:
        errors = [(trace[way], _error(trace, way)) for way in "xy"]
        nothing = [""] * len(trace.x)
        every = list(
            zip(
                [_called(trace)] * len(trace.x),
                _spoken(x_axis, trace.x),
                nothing if y_axis.showticklabels is False else _spoken(y_axis, trace.y),
                next((_ends(of, e) for of, e in errors if e is not None), nothing),
                _words(trace),
                strict=True,
            )
        )
        of_all += len(every)
        rows += spread(every, ROWS)
    x, y = _title(x_axis) or "at", _title(y_axis) or "at"
    head = ("of", x, y, "interval", "note")
    # what is empty, or says again whose a point is, needs no column
    kept = [i for i in range(len(head)) if any(row[i] not in row[0] for row in rows)]
    kept = [*([0] if any(row[0] for row in rows) else []), *kept]
    return Table(
        _headed(name, "", len(rows), of_all),
        tuple(head[i] for i in kept),
        tuple(tuple(row[i] for i in kept) for row in rows),
    )


def _map(name: str, axes: tuple[Any, Any], trace: Any) -> Table:
    """Some rows and columns of a map; of a loss the loss itself, not its logarithm."""
    x_axis, y_axis = axes
    shown = trace.z if trace.customdata is None else trace.customdata
    grid = np.asarray(shown, dtype=np.float64)
    rows = spread(range(grid.shape[0]), COLUMNS)
    columns = spread(range(grid.shape[1]), COLUMNS)
    x = _spoken(x_axis, range(grid.shape[1]) if trace.x is None else trace.x)
    y = _spoken(y_axis, range(grid.shape[0]) if trace.y is None else trace.y)
    corner = f"{_title(y_axis)} \\ {_title(x_axis)}"
    what = _plain(re.sub(r"%\{[^}]*\}", "", str(trace.hovertemplate or "")))
    return Table(
        _headed(name, what, len(rows) * len(columns), grid.size),
        (corner, *(x[c] for c in columns)),
        tuple((y[r], *(_text(grid[r, c]) for c in columns)) for r in rows),
    )


def _headed(name: str, quantity: str, told: int, of_all: int) -> str:
    parts = ": ".join(filter(None, (name, quantity)))
    some = f"{told:,} of {of_all:,} values" if told < of_all else ""
    return "; ".join(filter(None, (parts, some)))


def _called(trace: Any) -> str:
    if trace.name:
        return _plain(trace.name)
    return "dotted" if getattr(trace, "line", None) and trace.line.dash == "dot" else ""


def _words(trace: Any) -> list[str]:
    """What is written at each point, where it is more than its number."""
    if trace.text is None or "text" in (trace.mode or ""):
        return [""] * len(trace.x)
    return [_plain(str(text)) for text in trace.text]


def _error(trace: Any, way: str) -> Any:
    if f"error_{way}" not in trace:  # bars and maps know none
        return None
    error = trace[f"error_{way}"]
    return None if error.array is None else error


def _ends(values: Any, error: Any) -> list[str]:
    above = _values(error.array)
    below = above if error.arrayminus is None else _values(error.arrayminus)
    those = zip(_values(values), below, above, strict=True)
    return [f"{_text(v - low)} to {_text(v + high)}" for v, low, high in those]


def _spoken(axis: Any, values: Any) -> list[str]:
    """Values as texts; where the axis has words for them, those."""
    places, texts = axis.tickvals, axis.ticktext
    words: dict[Any, str] = {}
    if places is not None and texts is not None:
        words = dict(zip(places, texts, strict=True))
    in_a_row = bool(words) and [*words] == list(range(len(words)))
    return [_text(_spoken_one(words, one, in_a_row)) for one in _values(values)]


def _spoken_one(words: Mapping[Any, str], value: Any, in_a_row: bool) -> Any:
    """Also of what stands a little beside its place in a row of words."""
    if in_a_row and isinstance(value, float) and abs(value - round(value)) < BESIDE:
        value = round(value)
    return words.get(value, value)


def _values(values: Any) -> list[Any]:
    return np.asarray(values).tolist()


def _title(axis: Any) -> str:
    return _plain(axis.title.text or "")


def _plain(text: str) -> str:
    """Without the marks of Plotly's texts."""
    start = text.partition("<extra>")[0].replace("<br>", " ")
    return " ".join(re.sub("<[^>]*>", "", start).split()).strip(":, ")


def _text(value: Any) -> str:
    """Four digits that count; whole numbers whole."""
    if not isinstance(value, int | float):
        return _plain(str(value))
    if not np.isfinite(value):
        return NONE
    whole = float(value).is_integer() and abs(value) < 1e9
    return (f"{value:,.0f}" if whole else f"{value:.4g}").replace("-", "−")
