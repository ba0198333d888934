"""Laws that hold for every figure there is."""

from __future__ import annotations

import sys
from base64 import b64decode
from dataclasses import replace
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import pytest

from normlab.errors import BadSetting, NotMeasured
from normlab.facade.result import Result
from normlab.figures import gallery
from normlab.figures.gallery import KINDS, Gallery
from normlab.figures.kit.along_training import Quantity, draw_along_training
from normlab.figures.kit.picture import Drawn
from normlab.figures.kit.theme import DARK, LIGHT
from normlab.records.rows import StudyRecord
from normlab.spec.study import StudySpec
from tests.analysis.sweeps import over_rates, rates_spec

NAMES = [kind.id for kind in KINDS]
# rows of arms, images and moments have labels instead of a quantity
LABELLED = {"claims", "cost", "final-accuracy", "by-hand", "sharpness", "surface-3d"}


# a study has these if it trains at several rates, or sweeps another setting
OVER_SEVERAL = {"learning-rates", "sweep"}


def having(name: str, observed: Result) -> Result:
    """A study that has this figure."""
    if name not in OVER_SEVERAL:
        return observed
    spec = rates_spec(0.01, 0.1, sweep={"recipe.batch_size": [8, 64]})
    return Result(over_rates(spec, lambda key: 0.1))


def layout(figure: go.Figure) -> dict[str, Any]:
    return figure.to_dict()["layout"]


def axes(figure: go.Figure) -> dict[str, dict[str, Any]]:
    found = layout(figure)
    return {name: found[name] for name in found if name[1:5] == "axis"}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_drawn_with_words_for_those_who_do_not_see_it(
    observed: Result, name: str
) -> None:
    picture = having(name, observed).plot(name)
    assert picture.figure.to_dict()["data"]
    assert picture.alt.endswith(".")
    assert picture.kind.reading.endswith(".")


@pytest.mark.parametrize(
    ("one_scale", "matches"),
    [(True, [None, None, "y", "y2"]), (False, [None] * 4)],
)
def test_layers_can_be_drawn_on_one_scale(
    one_scale: bool, matches: list[str | None]
) -> None:
    quantities = [
        Quantity(title=f"layer {layer}", unit=unit, series=())
        for layer in (1, 2)
        for unit in ("nats", "%")
    ]
    figure = draw_along_training(quantities, {}, LIGHT, one_scale=one_scale)
    upright = [axis for name, axis in axes(figure).items() if name[0] == "y"]
    assert [axis.get("matches") for axis in upright] == matches


def test_words_are_not_crossed_by_a_dotted_line(observed: Result) -> None:
    paper = layout(observed.plot("claims").figure)["template"]["layout"][
        "paper_bgcolor"
    ]
    for name, words in (("claims", "times"), ("cost", "ms")):
        texts = layout(observed.plot(name).figure)["annotations"]
        of_rows = [text for text in texts if words in text["text"]]
        assert of_rows
        assert {text.get("bgcolor") for text in of_rows} == {paper}


@pytest.mark.parametrize("name", sorted(set(NAMES) - LABELLED))
def test_every_axis_says_what_it_shows(observed: Result, name: str) -> None:
    for axis in axes(having(name, observed).plot(name).figure).values():
        assert axis["title"]["text"]


@pytest.mark.parametrize("name", NAMES)
def test_a_study_without_the_measure_has_no_such_figure(name: str) -> None:
    empty = Result(StudyRecord(spec=StudySpec()))
    with pytest.raises(NotMeasured, match=r"^[A-Z].*: .*\.$"):
        empty.plot(name)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_overlaps_on_a_phone(observed: Result, name: str) -> None:
    found = layout(having(name, observed).plot(name).figure)
    patch = found.get("meta", {}).get("narrow", {})
    domains = sorted(value for key, value in patch.items() if key.startswith("yaxis"))
    for below, above in pairwise(domains):
        assert below[1] < above[0]


@pytest.mark.parametrize("name", NAMES)
def test_arms_have_one_colour_in_all_figures(observed: Result, name: str) -> None:
    styles = LIGHT.styles({"none": "without", "batch": "with"})
    for trace in having(name, observed).plot(name).figure.to_dict()["data"]:
        line = trace.get("line", {})
        if trace.get("name") in styles and line.get("color"):
            assert line["color"] == styles[trace["name"]].colour()


def test_the_dark_look_draws_on_dark_paper(observed: Result) -> None:
    figure = Gallery(observed, DARK)["learning-curves"].figure
    paper = layout(figure)["template"]["layout"]["paper_bgcolor"]
    assert paper == "rgb(21,24,29)"


def test_an_unknown_figure_is_refused_with_a_guess(observed: Result) -> None:
    with pytest.raises(BadSetting, match="Did you mean 'learning-curves'"):
        observed.plot("learning-curve")


def test_what_cannot_be_drawn_is_said_in_one_line_each(observed: Result) -> None:
    light = replace(observed, folder=None)
    pictures, missing = light.figures().drawn()
    names = {picture.kind.id for picture in pictures}
    assert {"claims", "learning-curves", "final-accuracy", "cost"} <= names
    assert len(names) + len(missing) == len(NAMES)
    assert all("\n" not in line and line.endswith(".") for line in missing)


def test_a_study_of_one_arm_has_curves_but_no_comparison(observed: Result) -> None:
    spec = StudySpec(arms=("none",), seeds=(0, 1, 2))
    runs = tuple(run for run in observed.record.runs if run.key.arm == "none")
    alone = Result(replace(observed.record, spec=spec, runs=runs))
    assert alone.plot("learning-curves").figure.to_dict()["data"]
    with pytest.raises(NotMeasured, match="one arm only"):
        alone.plot("twin-difference")


def test_a_title_makes_room_for_itself(observed: Result) -> None:
    picture = observed.plot("learning-curves")
    plain, titled = layout(picture.figure), layout(picture.titled())
    assert titled["title"]["text"] == "Learning curves"
    assert (
        titled["height"] - plain["height"]
        == titled["margin"]["t"] - plain["margin"]["t"]
    )


def test_a_fault_of_one_figure_is_told_and_does_not_cost_the_others(
    observed: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Drawn:
        raise ZeroDivisionError("no columns")

    kinds = tuple(replace(k, draw=broken) if k.id == "drift" else k for k in KINDS)
    whole, _ = Gallery(observed).drawn()
    monkeypatch.setattr(gallery, "KINDS", kinds)
    with pytest.warns(UserWarning, match=r"'drift' is at fault \(ZeroDiv"):
        pictures, missing = Gallery(observed).drawn()
    assert len(pictures) == len(whole) - 1
    assert "drift: a fault of normlab keeps it from being drawn." in missing


def test_a_gallery_lists_what_can_be_drawn_and_says_why_the_rest_cannot(
    observed: Result,
) -> None:
    figures = observed.figures()
    assert {*figures} <= {*NAMES}
    assert len(figures) + len(figures.missing) == len(NAMES)
    assert all(figures[name].kind.id == name for name in figures)
    assert figures["cost"] is figures["cost"]
    assert len(repr(figures["cost"])) < 200


def test_a_picture_has_words_where_nothing_can_be_shown(
    observed: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kaleido", None)
    bundle = observed.plot("cost")._repr_mimebundle_()
    assert bundle["text/plain"].startswith("What it costs. Time of a training step")
    assert "image/png" not in bundle


@pytest.mark.browser
def test_a_picture_brings_a_still_one_along(observed: Result) -> None:
    png = b64decode(observed.plot("cost")._repr_mimebundle_()["image/png"])
    assert png.startswith(b"\x89PNG")
