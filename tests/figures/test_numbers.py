"""Tables of what a figure draws."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from normlab.figures.kit.curves import add_band, add_line
from normlab.figures.kit.numbers import COLUMNS, NONE, ROWS, Table, tables
from normlab.figures.kit.panels import Panel, on, panels
from normlab.figures.kit.theme import LIGHT, Style

STYLES = LIGHT.styles({"none": "without", "batch": "with"})


def of_panels(*these: Panel) -> go.Figure:
    return panels(LIGHT, these)


def with_curve(figure: go.Figure, x: np.ndarray, style: Style) -> np.ndarray:
    y = np.sin(x)
    add_band(figure, x, y - 1, y + 1, style=style, name=style.label, **on(0))
    add_line(figure, x, y, style=style, name=style.label, **on(0))
    return y


def test_curves_over_the_same_places_stand_side_by_side_with_their_bands() -> None:
    figure = of_panels(Panel(title="loss", x="step", y="nats"))
    x = np.arange(3.0)
    for style in STYLES.values():
        with_curve(figure, x, style)
    (table,) = tables(figure)
    assert table.title == "loss: nats"
    columns = ["without", "without: band", "with", "with: band"]
    assert table.head == ("step", *columns)
    assert [row[0] for row in table.rows] == ["0", "1", "2"]
    assert table.rows[1][1:3] == ("0.8415", "−0.1585 to 1.841")


def test_of_many_places_some_are_told_and_that_is_said() -> None:
    figure = of_panels(Panel(x="step", y="nats"))
    y = with_curve(figure, np.arange(100.0), STYLES["none"])
    (table,) = tables(figure)
    assert len(table.rows) == ROWS
    assert table.title == f"nats; {ROWS} of 100 values"
    assert (table.rows[0][0], table.rows[-1][0]) == ("0", "99")
    for place, value, _ in table.rows:
        assert float(value.replace("−", "-")) == pytest.approx(y[int(place)], rel=1e-3)


def test_places_have_the_words_of_their_axis_and_points_their_intervals() -> None:
    words = {"tickvals": [0, 1], "ticktext": ["first", "last"]}
    figure = of_panels(Panel(x="", y="%", x_axis=words))
    error = {"symmetric": False, "array": [2.0, 2.0], "arrayminus": [1.0, 1.0]}
    figure.add_scatter(x=[0.1, 1.1], y=[5.0, 7.0], error_y=error, name="with")
    (table,) = tables(figure)
    assert table.head == ("at", "with", "with: interval")
    assert table.rows == (("first", "5", "4 to 7"), ("last", "7", "6 to 9"))


def test_a_way_on_a_plane_is_told_once_with_what_is_written_at_its_places() -> None:
    figure = of_panels(Panel(x="a", y="b"))
    for width in (5, 2):  # its rim is drawn first
        figure.add_scatter(
            x=[1.0, 2.0], y=[3.0, 4.0], text=["start", "end"], line={"width": width}
        )
    assert tables(figure) == [
        Table("", ("a", "b", "note"), (("1", "3", "start"), ("2", "4", "end")))
    ]


def test_of_a_map_some_rows_and_columns_are_told_in_losses_not_logarithms() -> None:
    figure = of_panels(Panel(title="with", x="a", y="b"))
    loss = np.exp(np.arange(21 * 31.0).reshape(21, 31) / 100)
    loss[0, 0] = np.nan
    figure.add_contour(
        x=np.arange(31.0),
        y=np.arange(21.0),
        z=np.log10(loss),
        customdata=loss,
        hovertemplate="loss %{customdata:.4g} nats<extra></extra>",
    )
    (table,) = tables(figure)
    assert table.title == f"with: loss nats; {COLUMNS**2} of 651 values"
    assert table.head[0] == "b \\ a"
    assert (table.head[-1], table.rows[-1][0]) == ("30", "20")
    assert table.rows[0][1] == NONE
    assert float(table.rows[-1][-1]) == pytest.approx(loss[-1, -1], rel=1e-3)
