"""Charts of characters: what stands where."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.terminal.curves import HEIGHT, MARKERS, SEVERAL, WIDTH, Chart

LINE = {
    "none": [(float(x), 10.0 ** (2 - x)) for x in range(5)],
    "batch": [(float(x), 1.0) for x in range(5)],
}

LOG_CHART = """\
Loss (log scale)
  o none   x batch   # several
      100 +o
          |
          |
          |                o
          |
          |
        1 +x               x               #              x               x
          |
          |
          |                                               o
          |
          |
     0.01 +                                                               o
          +----------------------------------------------------------------
           0                             step                             4"""


def test_a_chart_reads_like_this() -> None:
    assert str(Chart(title="Loss", x="step", curves=LINE, log=True)) == LOG_CHART


def test_joined_points_are_linked_by_dots_that_cover_no_marker() -> None:
    curves = {"a": [(1, 0), (3, 2)]}
    rows = str(Chart(title="", x="", curves=curves, joined=True)).splitlines()[2:-2]
    assert "." in rows[HEIGHT // 2]
    assert sum(row.count("o") for row in rows) == 2


def test_a_hole_is_left_where_a_value_is_not_finite() -> None:
    points = [(0.0, 1.0), (1.0, math.nan), (2.0, math.inf), (3.0, 2.0)]
    chart = str(Chart(title="", x="", curves={"a": points}))
    assert sum(row.count("o") for row in chart.splitlines()[2:-2]) == 2


def test_a_log_scale_leaves_out_what_is_not_positive() -> None:
    chart = Chart(title="Loss", x="", curves={"a": [(0, 0.0), (1, -1.0)]}, log=True)
    assert str(chart) == "Loss: nothing to draw"


def test_no_curves_draw_nothing() -> None:
    assert str(Chart(title="Loss", x="", curves={})) == "Loss: nothing to draw"


def test_equal_values_stand_in_the_middle() -> None:
    rows = str(Chart(title="", x="", curves={"a": [(0, 5.0), (1, 5.0)]})).splitlines()
    assert "o" in rows[2 + HEIGHT // 2]


def test_every_arm_has_its_own_marker_without_colour() -> None:
    curves = {f"arm{i}": [(i, float(i))] for i in range(len(MARKERS))}
    chart = str(Chart(title="", x="", curves=curves))
    body = "".join(chart.splitlines()[2:-2])
    assert all(marker in body for marker in MARKERS)
    assert SEVERAL not in MARKERS and len(set(MARKERS)) == len(MARKERS)


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.floats(width=32)),
        max_size=20,
    ),
    st.booleans(),
    st.booleans(),
)
def test_any_points_fit_the_grid(
    points: list[tuple[float, float]], log: bool, joined: bool
) -> None:
    chart = str(Chart(title="t", x="x", curves={"a": points}, log=log, joined=joined))
    assert chart.isascii()
    rows = chart.splitlines()
    assert len(rows) in (1, HEIGHT + 4)
    assert max(map(len, rows)) <= WIDTH + 12


@pytest.mark.parametrize("curves", [1, 3])
def test_the_legend_speaks_of_several_only_where_there_are(curves: int) -> None:
    chart = Chart(title="", x="", curves={f"a{i}": [(0, 1.0)] for i in range(curves)})
    assert ("several" in str(chart)) == (curves > 1)
