"""A difference map holds the differences, on one scale that is fair to both signs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from normlab.errors import BadSetting, NotMeasured
from normlab.facade.result import Result
from normlab.figures.surface_difference import (
    SurfacePair,
    draw_difference,
    draw_differences,
)
from normlab.records.surface import Surface
from normlab.spec.surfaces import Surfaces
from tests.cli.made_up import SPEC

from .made_up import common_surface, observed_study
from .reading import numbers


def areas(figure: go.Figure) -> list[dict[str, Any]]:
    return [t for t in figure.to_dict()["data"] if t["type"] == "contour"]


def scale(figure: go.Figure) -> dict[str, Any]:
    return figure.to_dict()["layout"]["coloraxis"]


def times(surface: Surface, factor: Any, **changes: Any) -> Surface:
    return replace(surface, loss=factor * surface.loss, **changes)


def pair(reference: Surface, factor: Any) -> SurfacePair:
    surface = times(reference, factor, statistics="full")
    return SurfacePair(title="full", surface=surface, reference=reference)


@pytest.fixture
def bowl() -> Surface:
    return common_surface("none", "batch")


def test_a_study_shows_every_arm_against_its_first_statistics(observed: Result) -> None:
    picture = observed.plot("surface-difference")
    none, batch = areas(picture.figure)
    assert np.nanmax(np.abs(numbers(none["customdata"]))) == 0
    for drawn in (none, batch):
        assert drawn["connectgaps"] is False
        assert np.isnan(numbers(drawn["z"])[0, 0])
        assert np.isnan(numbers(drawn["z"])).sum() == 1
    percent = numbers(batch["customdata"])
    np.testing.assert_allclose(percent[np.isfinite(percent)], -20, rtol=1e-5)
    assert picture.alt == (
        "without batch norm: full against batch(64): median 0 %, largest 0 %; "
        "with batch norm: full against batch(64): median 20 %, largest 20 %."
    )


def test_colours_follow_the_logarithm_and_ticks_stand_where_they_belong(
    bowl: Surface,
) -> None:
    factors = np.linspace(0.5, 4, bowl.loss.size).reshape(bowl.loss.shape)
    figure = draw_differences([pair(bowl, factors)])
    (area,) = areas(figure)
    percent, z = numbers(area["customdata"]), numbers(area["z"])
    expected = np.where(np.isnan(bowl.loss), np.nan, 100 * (factors - 1))
    np.testing.assert_allclose(percent, expected, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(
        z, np.sign(percent) * np.log10(1 + np.abs(percent)), rtol=1e-5, atol=1e-5
    )
    bar = scale(figure)["colorbar"]
    assert list(bar["ticktext"]) == ["−100", "−10", "−1", "0", "+1", "+10", "+100"]
    shown = [float(text.replace("−", "-")) for text in bar["ticktext"]]
    back = np.sign(shown) * (10.0 ** np.abs(bar["tickvals"]) - 1)
    np.testing.assert_allclose(back, shown, atol=1e-9)


@pytest.mark.parametrize(
    ("factors", "reach"), [((1.0, 1.3), 50), ((0.9, 1.0001), 20), ((1, 1), 2)]
)
def test_the_scale_is_symmetric_and_the_same_for_all(
    bowl: Surface, factors: tuple[float, float], reach: float
) -> None:
    figure = draw_differences([pair(bowl, factor) for factor in factors])
    axis = scale(figure)
    assert axis["cmax"] == -axis["cmin"] == pytest.approx(np.log10(1 + reach))
    one, two = areas(figure)
    assert one["contours"] == two["contours"]
    assert one["coloraxis"] == two["coloraxis"] == "coloraxis"
    levels = one["contours"]
    assert levels["start"] == -levels["end"]
    edges = np.arange(levels["start"], levels["end"] + 1e-9, levels["size"])
    # 0 lies in the middle of a band, so that nothing wavers about an edge there
    assert np.abs(edges).min() == pytest.approx(levels["size"] / 2)


def test_a_loss_above_0_has_no_tick_at_less_than_nothing(bowl: Surface) -> None:
    figure = draw_differences([pair(bowl, 30.0)])
    assert scale(figure)["colorbar"]["ticktext"][0] == "−100"
    # a loss of either sign may: relative to what it is in size
    turned = SurfacePair(
        title="", surface=times(bowl, 30.0), reference=times(bowl, -1.0)
    )
    np.testing.assert_allclose(turned.difference[1:], 3100)
    turned = SurfacePair(title="", surface=times(bowl, -30.0), reference=bowl)
    ticks = scale(draw_differences([turned]))["colorbar"]["ticktext"]
    assert ticks[0] == "−1000"


def test_a_loss_of_0_has_no_relative_difference(bowl: Surface) -> None:
    nothing = times(bowl, 0.0)
    with pytest.raises(NotMeasured, match="no point of any surface has two finite"):
        draw_difference(bowl, nothing)
    # beside one that has, its panel stays empty
    empty = SurfacePair(title="", surface=bowl, reference=nothing)
    draw_differences([empty, pair(bowl, 1.1)])


def test_the_path_and_its_places_are_drawn_on_it(observed: Result) -> None:
    data = observed.plot("surface-difference").figure.to_dict()["data"]
    here = [t for t in data if t["xaxis"] == "x2" and t["type"] == "scatter"]
    halo, line, named = here
    marks = common_surface("batch", "batch").marks
    steps = [mark for mark in marks if mark.name.startswith("step")]
    assert list(line["x"]) == list(halo["x"]) == [mark.a for mark in steps]
    assert list(named["x"]) == [m.a for m in marks if m not in steps]


def test_one_kind_of_statistics_has_no_difference(tmp_path: Path) -> None:
    study = observed_study(tmp_path / "study", SPEC)
    with pytest.raises(NotMeasured, match=r"surfaces.statistics = batch\)"):
        study.plot("surface-difference")


def test_it_is_drawn_on_the_first_plane_that_was_asked_for(tmp_path: Path) -> None:
    asked = Surfaces(planes=("random", "path"), statistics=("full", "batch"))
    spec = SPEC.model_copy(update={"surfaces": asked})
    study = observed_study(tmp_path / "study", spec)
    layout = study.plot("surface-difference").figure.to_dict()["layout"]
    assert layout["xaxis"]["title"]["text"] == "direction 1 (1: as long as the weights)"
    assert "in per cent of the loss with full statistics" in str(layout)


def moved(surface: Surface) -> Surface:
    return replace(surface, a=surface.a + 1)


def fewer(surface: Surface) -> Surface:
    rows = slice(None, None, 2)
    return replace(
        surface,
        b=surface.b[rows],
        loss=surface.loss[rows],
        computed=surface.computed[rows],
    )


def turned(surface: Surface) -> Surface:
    return replace(surface, directions=({"w": np.ones(2)}, {}))


@pytest.mark.parametrize("change", [moved, fewer, turned])
def test_another_plane_is_refused_in_one_line(bowl: Surface, change: Any) -> None:
    with pytest.raises(BadSetting) as caught:
        draw_difference(bowl, change(bowl))
    message = str(caught.value)
    assert message.startswith("against: was not measured at the same points of")
    assert "\n" not in message


def test_what_is_no_surface_is_refused(bowl: Surface) -> None:
    with pytest.raises(BadSetting, match="against=ndarray is no surface"):
        draw_difference(bowl, bowl.loss)  # type: ignore[arg-type]
