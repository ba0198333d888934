"""Draw the curves of docs/scale.md from what `benchmarks/growth.py --json` wrote.

    python docs/growth.py benchmarks/results/growth.jsonl

Writes docs/pictures/growth.png.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from normlab.figures.kit.theme import LIGHT

PICTURE = Path(__file__).parent / "pictures" / "growth.png"
COMMANDS = ("report", "show --json", "show", "export csv", "list")
"""From top to bottom, as the curves lie."""
AIMS = {"show": 5.0, "report": 15.0}
"""Seconds at most, of 10,000 runs."""
MOST_MEGABYTES = 500


def rows_of(file: Path) -> list[dict[str, float]]:
    """What was measured of studies that grow by their seeds, by number of runs."""
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    (found,) = [line for line in lines if line["benchmark"] == "growth by runs"]
    rows = [row for row in found.values() if isinstance(row, dict)]
    return sorted(rows, key=lambda row: row["runs"])


def curves(rows: list[dict[str, float]], unit: str) -> Iterator[go.Scatter]:
    """One line for each command; the legend stands in the first panel."""
    for command, style in LIGHT.styles(COMMANDS).items():
        yield go.Scatter(
            x=[row["runs"] for row in rows],
            y=[row[f"{command}, {unit}"] for row in rows],
            name=command,
            legendgroup=command,
            showlegend=unit == "s",
            mode="lines+markers",
            line={"color": style.colour(), "dash": style.dash, "width": 2},
            marker={"symbol": style.marker, "size": 8},
        )


def drawn(rows: list[dict[str, float]]) -> go.Figure:
    """Processor seconds and memory against runs, both axes logarithmic."""
    figure = make_subplots(
        cols=2, subplot_titles=("processor time (s)", "peak memory (MB)")
    )
    for column, unit in ((1, "s"), (2, "MB")):
        figure.add_traces(list(curves(rows, unit)), rows=1, cols=column)
    last = rows[-1]["runs"]
    ink = {"color": LIGHT.template().layout.font.color, "width": 1, "dash": "dot"}
    slope = [row["runs"] for row in rows if row["runs"] >= last / 10]
    figure.add_scatter(
        x=slope,
        y=[AIMS["show"] * runs / last for runs in slope],
        mode="lines",
        line=ink,
        name="proportional to the runs",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=[last] * len(AIMS),
        y=list(AIMS.values()),
        text=[f"at most {aim:g} s: {name}" for name, aim in AIMS.items()],
        textposition="top left",
        mode="markers+text",
        marker={"symbol": "line-ew-open", "size": 16, "color": ink["color"]},
        showlegend=False,
        row=1,
        col=1,
    )
    figure.add_hline(
        MOST_MEGABYTES,
        line=ink,
        annotation_text=f"at most {MOST_MEGABYTES} MB",
        row=1,
        col=2,
    )
    figure.update_xaxes(type="log", title="runs", dtick=1, tickformat=",")
    for column, ticks in ((1, (0.5, 1, 2, 5, 10, 20)), (2, (50, 100, 200, 500))):
        ends = [math.log10(0.7 * ticks[0]), math.log10(1.5 * ticks[-1])]
        figure.update_yaxes(type="log", tickvals=ticks, range=ends, col=column)
    figure.update_layout(
        template=LIGHT.template(), width=1000, height=440, margin={"t": 80, "r": 30}
    )
    return figure


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description="Draw how commands grow with runs.")
    parser.add_argument("figures", type=Path, help="what growth.py --json wrote")
    given = parser.parse_args()
    drawn(rows_of(given.figures)).write_image(PICTURE, scale=2)
    print(f"written: {PICTURE}")


if __name__ == "__main__":
    main()
