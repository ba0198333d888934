"""A drawn surface holds what was measured, and says how."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.errors import NotMeasured
from normlab.facade.result import Result
from normlab.figures.gallery import Gallery
from normlab.figures.kit.loss_scale import even_ticks, loss_ticks
from normlab.figures.kit.plane import axis_titles, stored
from normlab.figures.surface import contours, draw_surfaces
from normlab.records.surface import Surface
from normlab.spec.arms import Arm
from normlab.spec.surfaces import Surfaces
from tests.cli.made_up import SPEC

from .made_up import common_surface, observed_study, path_surface
from .reading import numbers, traces


def texts(result: Result, name: str) -> list[str]:
    """Everything that is written on a figure, without being touched."""
    found = result.plot(name).figure.to_dict()["layout"]
    axes = [found[axis]["title"]["text"] for axis in found if axis[1:5] == "axis"]
    return [note["text"].replace("<br>", " ") for note in found["annotations"]] + axes


def of_type(result: Result, name: str, kind: str, axis: str) -> list[dict[str, Any]]:
    return [
        trace
        for trace in traces(result, name)
        if trace["type"] == kind and trace["xaxis"] == axis
    ]


@pytest.mark.parametrize("name", ["surface-common", "surface-path", "surface-random"])
def test_all_arms_share_colours_and_levels_and_keep_their_holes(
    observed: Result, name: str
) -> None:
    kind = name.removeprefix("surface-")
    none, batch = (t for t in traces(observed, name) if t["type"] == "contour")
    assert none["contours"] == batch["contours"]
    assert none["coloraxis"] == batch["coloraxis"] == "coloraxis"
    for drawn, surface in zip(
        (none, batch), stored(observed, kind).values(), strict=True
    ):
        assert drawn["connectgaps"] is False
        assert np.isnan(numbers(drawn["z"])[0, 0])
        shown = 10.0 ** numbers(drawn["z"])
        np.testing.assert_allclose(shown, surface.loss, rtol=1e-6)
        np.testing.assert_allclose(numbers(drawn["x"]), surface.a)
        np.testing.assert_allclose(numbers(drawn["y"]), surface.b)


def test_both_axes_have_one_scale(observed: Result) -> None:
    layout = observed.plot("surface-common").figure.to_dict()["layout"]
    assert layout["yaxis"]["scaleanchor"] == "x"
    assert layout["yaxis2"]["scaleanchor"] == "x2"


@pytest.mark.parametrize("axis", ["x", "x2"])
def test_the_path_is_drawn_through_all_its_steps(observed: Result, axis: str) -> None:
    surface = list(stored(observed, "common").values())[axis == "x2"]
    steps = [mark for mark in surface.marks if mark.name.startswith("step")]
    halo, line = (
        trace
        for trace in of_type(observed, "surface-common", "scatter", axis)
        if trace["mode"] == "lines"
    )
    for trace in (halo, line):
        assert list(trace["x"]) == [mark.a for mark in steps]
        assert list(trace["y"]) == [mark.b for mark in steps]
    assert halo["line"]["width"] > line["line"]["width"]


def test_dots_have_the_colour_of_the_real_loss(observed: Result) -> None:
    dots, named, hollow = (
        trace
        for trace in of_type(observed, "surface-common", "scatter", "x2")
        if trace["mode"] == "markers"
    )
    # of the steps with a real loss, 0, 40 and 80, start and end hide two
    assert dots["marker"]["color"] == pytest.approx([np.log10(1.1)])
    assert named["marker"]["color"] == pytest.approx(np.log10([2.352, 0.25]))
    assert (hollow["x"], hollow["y"]) == ([1.0], [0.0])
    figure = observed.plot("surface-common").figure.to_dict()["layout"]
    for trace in (dots, named):
        for end in ("cmin", "cmax"):
            assert trace["marker"][end] == figure["coloraxis"][end]


def test_a_mark_says_both_losses_and_how_far_away_it_is(observed: Result) -> None:
    hover = [
        text
        for trace in of_type(observed, "surface-common", "scatter", "x2")
        for text in trace["text"]
    ]
    assert "step 40: loss 1.2 on the plane, 1.1 really, 0.2 off the plane" in hover
    assert "end without batch norm: loss 0.25 on the plane, 0 off the plane" in hover


def test_the_start_is_told_without_touching_anything(observed: Result) -> None:
    written = texts(observed, "surface-common")
    start = "start: loss 2.31 on the plane, 2.35 really, 0.4 off the plane"
    assert written.count(start) == 2
    assert start in observed.plot("surface-common").alt


def test_the_share_of_the_path_stands_beside_that_of_a_random_walk(
    observed: Result,
) -> None:
    written = texts(observed, "surface-path")
    assert (
        "weight distance, direction 1<br>92.0 % of the path (random walk: 81.0 %)"
        in written
    )
    assert "weight distance, direction 2<br>5.0 % (walk: 9.0 %)" in written
    assert "random walk" in observed.plot("surface-path").kind.reading


@pytest.mark.parametrize("name", ["surface-common", "surface-path", "surface-3d"])
def test_the_figure_says_how_losses_were_measured(observed: Result, name: str) -> None:
    (said,) = (text for text in texts(observed, name) if "statistics" in text)
    assert "batch(64) statistics, mean over 2,560 examples" in said
    assert "estimated error of interpolated points 0.2 %" in said
    assert "nats per example" in said


def test_height_in_three_dimensions_is_the_logarithm_of_the_loss(
    observed: Result,
) -> None:
    surface = stored(observed, "common")["without batch norm"]
    drawn = traces(observed, "surface-3d")
    heights = numbers(drawn[0]["z"])
    assert np.isnan(heights[0, 0])
    np.testing.assert_allclose(heights, np.log10(surface.loss), rtol=1e-6)
    path = drawn[1]
    on_plane = [m.plane_loss for m in surface.marks if m.name.startswith("step")]
    lift = np.array(path["z"]) - np.log10(np.array(on_plane, float))
    np.testing.assert_allclose(lift, lift[0])
    assert 0 < lift[0] < 0.1


def test_only_the_first_seed_is_drawn(tmp_path: Path) -> None:
    study = observed_study(
        tmp_path / "study", SPEC.model_copy(update={"seeds": (7, 3)})
    )
    assert list(stored(study, "path")) == ["without batch norm", "with batch norm"]


def test_the_first_statistics_are_drawn(tmp_path: Path) -> None:
    surfaces = Surfaces(statistics=("running", "batch"))
    spec = SPEC.model_copy(update={"surfaces": surfaces})
    study = observed_study(tmp_path / "study", spec)
    assert {one.statistics for one in stored(study, "path").values()} == {"running"}
    assert {one.statistics for one in stored(study, "path", "batch").values()} == {
        "batch"
    }
    (said,) = (text for text in texts(study, "surface-path") if "statistics" in text)
    assert "running statistics, mean over" in said


@pytest.mark.parametrize(
    ("measure", "seeds", "why"),
    [
        ("none", 1, "measure = none"),
        ("full", 0, "surfaces.seeds = 0"),
        ("full", 1, "surfaces.planes = common, path"),
    ],
)
def test_a_surface_that_is_not_there_is_told_by_the_setting(
    tmp_path: Path, measure: str, seeds: int, why: str
) -> None:
    update = {"measure": measure, "surfaces": Surfaces(seeds=seeds)}
    study = observed_study(tmp_path / "study", SPEC.model_copy(update=update))
    with pytest.raises(NotMeasured, match=rf"was recorded \({why}\)"):
        stored(study, "random")


@pytest.mark.parametrize(("unit", "said"), [("nats", True), ("", False)])
def test_only_cross_entropy_is_in_nats(unit: str, said: bool) -> None:
    layout = contours(other("random", unit=unit)).to_dict()
    assert ("nats" in str(layout)) is said
    assert "log scale" in str(layout)


def test_beside_several_arms_the_baseline_is_named_with_each(tmp_path: Path) -> None:
    arms = tuple(Arm(name=name, norm=name) for name in ("none", "batch", "layer"))
    study = observed_study(tmp_path / "study", SPEC.model_copy(update={"arms": arms}))
    names = [
        "without norm (plane with batch norm)",
        "with batch norm",
        "without norm (plane with layer norm)",
        "with layer norm",
    ]
    assert list(stored(study, "common")) == names
    assert list(stored(study, "path")) == [
        "without norm",
        "with batch norm",
        "with layer norm",
    ]
    written = texts(study, "surface-common")
    assert [
        text for text in written if text.startswith("<b>") and "nats" not in text
    ] == [f"<b>{name}</b>" for name in names]
    assert written.count("weight distance, across to end with layer norm") == 2


def test_a_folder_that_is_gone_was_not_measured(
    observed: Result, tmp_path: Path
) -> None:
    gone = replace(observed, folder=tmp_path / "gone")
    with pytest.raises(NotMeasured, match=r": .*gone: does not exist"):
        Gallery(gone)["surface-common"]


def test_what_lies_damaged_in_the_folder_was_not_recorded(tmp_path: Path) -> None:
    observed_study(tmp_path / "study")
    for file in (tmp_path / "study").glob("arrays/*/path.npz"):
        file.write_bytes(file.read_bytes()[:-100])
    damaged = Result.open(tmp_path / "study")
    assert {name.rpartition("/")[2] for name in damaged.record.lost} == {"path.npz"}
    with pytest.raises(NotMeasured, match="“path” was not recorded"):
        damaged.plot("step-path")
    assert damaged.plot("drift").figure.data


def test_a_surface_of_holes_alone_is_not_drawn() -> None:
    surface = common_surface("none", "batch")
    holes = replace(surface, loss=np.full_like(surface.loss, np.nan), marks=())
    with pytest.raises(NotMeasured, match="no point of any surface has a finite loss"):
        draw_surfaces({"none": holes})


def other(plane: str, **changes: object) -> Surface:
    return replace(path_surface("none"), plane=plane, marks=(), facts={}, **changes)


def test_axes_name_the_parameters_that_they_move() -> None:
    one, two = np.zeros((3, 4)), np.zeros(2)
    one[2, 1] = two[0] = 1
    directions = (
        {"fc1.weight": one, "fc2.bias": np.zeros(2)},
        {"fc1.weight": np.zeros((3, 4)), "fc2.bias": two},
    )
    named = other("parameters", directions=directions)
    assert axis_titles(named) == ("change of fc1.weight[2,1]", "change of fc2.bias[0]")


@pytest.mark.parametrize("plane", ["random", "path", "common", "mine"])
def test_a_surface_without_marks_and_facts_is_drawn_too(plane: str) -> None:
    layout = contours(other(plane)).to_dict()["layout"]
    assert layout["xaxis"]["title"]["text"].startswith("direction 1")


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.05, 3.0, ["0.05", "0.1", "0.2", "0.5", "1", "2"]),
        (1e-4, 20.0, ["0.0001", "0.001", "0.01", "0.1", "1", "10"]),
        (0.301, 0.302, ["0.301", "0.302"]),
    ],
)
def test_the_colours_have_round_losses(low: float, high: float, shown) -> None:
    ticks = loss_ticks(float(np.log10(low)), float(np.log10(high)))
    assert ticks["ticktext"] == shown
    at = 10.0 ** np.array(ticks["tickvals"])
    np.testing.assert_allclose(at, np.array(shown, float), rtol=1e-9)


@given(low=st.floats(-1e3, 1e3), span=st.floats(1e-4, 1e4))
def test_a_linear_scale_has_a_few_round_losses(low: float, span: float) -> None:
    ticks = even_ticks(low, low + span)
    at = np.array(ticks["tickvals"])
    assert 2 <= len(at) <= 10
    assert (at >= low - 1e-9 * span).all() and (at <= low + span * (1 + 1e-9)).all()


def test_negative_losses_are_drawn_as_they_are() -> None:
    surface = common_surface("none", "batch")
    below = replace(surface, loss=surface.loss - 5, marks=())
    figure = contours(below).to_dict()
    (drawn,) = (t for t in figure["data"] if t["type"] == "contour")
    np.testing.assert_allclose(numbers(drawn["z"]), below.loss, rtol=1e-6)
    assert any("linear scale" in n["text"] for n in figure["layout"]["annotations"])


def test_scenes_name_the_start_and_their_own_end(observed: Result) -> None:
    layout = observed.plot("surface-3d").figure.to_dict()["layout"]
    for scene, end in (
        ("scene", "end without batch norm"),
        ("scene2", "end with batch norm"),
    ):
        flags = [flag["text"] for flag in layout[scene]["annotations"]]
        assert flags == ["start", end]
