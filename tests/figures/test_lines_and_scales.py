"""Lines, several paths and values on the axes; colours that follow the data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.errors import NotMeasured
from normlab.figures.kit.loss_scale import TICKS, LossScale, loss_ticks
from normlab.figures.kit.plane import axis_titles, in_values
from normlab.figures.line import draw_lines
from normlab.figures.surface import contours
from normlab.figures.surface_3d import draw_surfaces_3d
from normlab.figures.surface_difference import draw_difference
from normlab.records.surface import Mark, Surface

from .reading import numbers

POINTS = np.linspace(-0.5, 1.5, 9)


def line(loss: Any = None, **changes: Any) -> Surface:
    loss = 1 + POINTS**2 if loss is None else np.asarray(loss, float)
    settings: dict[str, Any] = {
        "a": POINTS,
        "b": np.zeros(1),
        "loss": loss[None],
        "computed": np.ones((1, len(loss)), bool),
        "directions": ({"w": np.ones(3, np.float32)}, {"w": np.zeros(3, np.float32)}),
        "plane": "line",
        "statistics": "running",
        "batch_size": 64,
        "examples": 100,
        "estimated_error": 0.0,
        "marks": (
            Mark(name="old", a=0.0, b=0.0, plane_loss=1.0, true_loss=1.1),
            Mark(name="new", a=1.0, b=0.0, plane_loss=2.0, true_loss=1.9),
        ),
        "facts": {"distance": 3.25},
    }
    return Surface(**{**settings, **changes})


def plane(loss: Any, **changes: Any) -> Surface:
    loss = np.asarray(loss, float)
    rows, columns = loss.shape
    settings = {
        "a": np.linspace(-1, 1, columns),
        "b": np.linspace(-1, 1, rows),
        "loss": loss,
        "computed": np.ones(loss.shape, bool),
        "plane": "random",
        "marks": (),
        "facts": {},
    }
    return replace(line(), **{**settings, **changes})


def drawn(figure: go.Figure, mode: str) -> list[dict[str, Any]]:
    return [t for t in figure.to_dict()["data"] if t.get("mode") == mode]


def written(figure: go.Figure) -> str:
    layout = figure.to_dict()["layout"]
    axes = [layout[axis]["title"]["text"] for axis in layout if axis[1:5] == "axis"]
    return " | ".join([note["text"] for note in layout["annotations"]] + axes)


def test_a_line_is_drawn_with_its_ends_as_they_really_are() -> None:
    surface = line()
    figure = contours(surface)
    (curve,) = drawn(figure, "lines")
    np.testing.assert_allclose(numbers(curve["x"]), surface.a)
    np.testing.assert_allclose(numbers(curve["y"]), surface.loss[0])
    ends = [(t["x"][0], t["y"][0], t["text"][0]) for t in drawn(figure, "markers")]
    assert ends == [
        (0.0, 1.1, "old: loss 1 on the line, 1.1 really, 0 off the line"),
        (1.0, 1.9, "new: loss 2 on the line, 1.9 really, 0 off the line"),
    ]
    said = written(figure)
    assert "from old (0) to new (1), 3.25 apart in weights" in said
    assert "loss (nats per example)" in said
    assert "running statistics, mean over 100 examples" in said
    assert not any(trace["showlegend"] for trace in figure.to_dict()["data"])


def test_ends_that_were_not_measured_are_hollow_on_the_line() -> None:
    marks = (Mark(name="old", a=0.0, b=0.0, plane_loss=1.0),)
    (end,) = drawn(draw_lines({"loss": line(marks=marks)}), "markers")
    assert end["y"] == [1.0] and end["marker"]["symbol"] == "diamond-open"


def test_lines_beside_each_other_have_a_legend() -> None:
    figure = draw_lines({"running": line(), "full": line(2 + POINTS)})
    names = [t["name"] for t in drawn(figure, "lines") if t["showlegend"]]
    assert names == ["running", "full"]
    dashes = {t["line"]["dash"] for t in drawn(figure, "lines")}
    assert len(dashes) == 2  # not by colour alone


def test_a_line_over_decades_is_logarithmic_and_holes_stay() -> None:
    losses = 10.0 ** np.arange(9)
    losses[3] = np.nan
    figure = draw_lines({"loss": line(losses)})
    assert figure.layout.yaxis.type == "log"
    assert "log scale" in written(figure)
    (curve,) = drawn(figure, "lines")
    assert np.isnan(numbers(curve["y"])[3])
    with pytest.raises(NotMeasured, match="no point of any line"):
        draw_lines({"loss": line(np.full(9, np.nan), marks=())})


def test_several_paths_have_names_and_looks_of_their_own() -> None:
    marks = tuple(
        Mark(
            name=f"step {n} of {path}",
            a=n / 4,
            b=sign * n / 4,
            path=path,
            plane_loss=1.0,
            true_loss=1.0 + n,
        )
        for path, sign in (("sgd", 1), ("adam", -1))
        for n in range(3)
    )
    surface = plane(
        1 + np.random.default_rng(0).random((5, 5)),
        plane="path",
        marks=marks,
        facts={"explained_1": 0.8, "explained_2": 0.1},
    )
    figure = contours(surface)
    lines = [t for t in drawn(figure, "lines") if t["showlegend"]]
    assert [t["name"] for t in lines] == ["sgd", "adam"]
    assert list(lines[1]["y"]) == [0, -0.25, -0.5]
    assert len({t["line"]["color"] for t in lines}) == 2
    assert len({t["line"]["dash"] for t in lines}) == 2
    said = written(figure)
    assert "80.0 % of the paths" in said and "random walk" not in said
    for label in ("start", "end sgd", "end adam"):
        assert f"| {label} |" in said
    scene = draw_surfaces_3d({"loss": surface}).to_dict()["data"]
    assert [t["name"] for t in scene if t["type"] == "scatter3d"] == ["sgd", "adam"]


def parameters() -> Surface:
    one, two = np.zeros((2, 2), np.float32), np.zeros(3, np.float32)
    one[1, 0] = two[2] = 1
    return plane(
        1 + np.random.default_rng(0).random((5, 5)),
        plane="parameters",
        directions=({"w": one, "b": two * 0}, {"w": one * 0, "b": two}),
        facts={"value_1": 0.5, "value_2": -2.0},
        marks=(Mark(name="step 0", a=0.25, b=0.5, plane_loss=1.0, true_loss=1.0),),
    )


def test_two_parameters_are_drawn_over_their_values() -> None:
    surface = parameters()
    assert axis_titles(surface) == ("w[1,0]", "b[2]")
    figure = contours(surface)
    (area,) = [t for t in figure.to_dict()["data"] if t["type"] == "contour"]
    np.testing.assert_allclose(numbers(area["x"]), surface.a + 0.5)
    np.testing.assert_allclose(numbers(area["y"]), surface.b - 2.0)
    assert {(t["x"][0], t["y"][0]) for t in drawn(figure, "lines")} == {(0.75, -1.5)}
    (other,) = [
        t
        for t in draw_difference(surface, surface).to_dict()["data"]
        if t["type"] == "contour"
    ]
    np.testing.assert_allclose(numbers(other["x"]), surface.a + 0.5)
    assert in_values(replace(surface, facts={})).a is not None
    assert axis_titles(replace(surface, facts={}))[0] == "change of w[1,0]"


def test_the_parts_of_a_complex_parameter_are_told() -> None:
    one = np.zeros(3, np.complex64)
    one[1] = 1
    surface = replace(parameters(), directions=({"s": one}, {"s": 1j * one}))
    assert axis_titles(surface) == ("s[1].real", "s[1].imag")


def test_three_networks_name_the_axes() -> None:
    marks = tuple(Mark(name=n, a=i, b=0, true_loss=1) for i, n in enumerate("XYZ"))
    surface = plane(np.eye(5) + 1, plane="models", marks=marks)
    assert axis_titles(surface) == (
        "weight distance, X to Y",
        "weight distance, across to Z",
    )


def test_what_stays_frozen_is_said() -> None:
    surface = plane(np.eye(5) + 1, facts={"frozen": 5712.0})
    assert "5,712 frozen parameters stay" in written(contours(surface))


@given(
    low=st.floats(-300, 300),
    decades=st.one_of(st.floats(1e-5, 3), st.floats(3, 600)),
)
def test_ticks_of_losses_are_few_and_true(low: float, decades: float) -> None:
    high = min(low + decades, 305.0)
    ticks = loss_ticks(low, high)
    texts = ticks["ticktext"]
    assert 1 <= len(texts) <= 10 if high - low < 3 else len(texts) <= TICKS
    assert len(set(texts)) == len(texts)
    at = np.array(ticks["tickvals"])
    np.testing.assert_allclose(at, np.log10(np.array(texts, float)), atol=1e-9)
    assert (at >= low - 1e-6).all() and (at <= high + 1e-6).all()


def bowl(size: float) -> np.ndarray:
    side = np.linspace(-1, 1, 49)
    return size * (side[None] ** 2 + side[:, None] ** 2) / 2


@pytest.mark.parametrize("size", [1.5e-8, 2.9e-11, 1e-30, 3.0, 1e30])
def test_colours_are_spread_over_the_data_however_small(size: float) -> None:
    loss = bowl(size)
    scale = LossScale.of([plane(loss)])
    share = (scale.at(loss) - scale.low) / (scale.high - scale.low)
    counts = np.histogram(share, bins=18, range=(0, 1))[0]
    assert counts.max() < 0.4 * loss.size  # no colour takes all of the picture
    assert (counts > 0).sum() >= 15
    assert 10**scale.high == pytest.approx(size)
    assert scale.ticks["ticktext"][0].startswith("≤ ")  # for a bowl has a 0
    assert len(scale.ticks["tickvals"]) <= 10


def test_many_decades_of_losses_share_the_colours() -> None:
    loss = 10 ** (bowl(36.0))
    scale = LossScale.of([plane(loss)])
    assert (scale.low, scale.high) == pytest.approx((0, 36))
    assert not scale.open_below
    assert 3 <= len(scale.ticks["ticktext"]) <= TICKS


def test_one_tiny_loss_does_not_take_the_colours() -> None:
    loss = 1 + bowl(1.0)
    loss[3, 3] = 1e-30
    scale = LossScale.of([plane(loss)])
    assert scale.low > -4
    assert scale.open_below
    assert scale.ticks["ticktext"][0] == f"≤ {10**scale.low:.2g}"


def test_losses_of_zero_alone_are_drawn() -> None:
    figure = contours(plane(np.zeros((5, 5))))
    assert figure.layout.coloraxis.colorbar.ticktext == ("0",)
    assert "linear scale" in written(figure)
