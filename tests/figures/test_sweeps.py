"""Figures over rates and swept settings, with values known beforehand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from normlab.errors import NotMeasured
from normlab.facade.result import Result
from normlab.figures import (
    claims_forest,
    final_accuracy,
    learning_curves,
    rates,
    sweep,
    twin_difference,
)
from normlab.figures.kit.drawn_rates import MAX_RATES
from normlab.figures.kit.picture import Drawn, FigureKind
from normlab.figures.kit.theme import DARK, LIGHT
from normlab.spec.plan import RunKey
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec
from tests.analysis.sweeps import over_rates, rates_spec, valley

RATES = (0.01, 0.1, 1.0)
SIZE = "recipe.batch_size"
PHONE = 48  # characters of its width
SMALL = (SIZE, 8)
BEST = {"none": 0.01, "batch": 0.1}


def loss(key: RunKey) -> float:
    """A valley for each arm; the largest rate is too much for the plain network."""
    if key.arm == "none" and key.rate == 1.0:
        return math.inf
    spread = 1 + 0.01 * key.seed
    return spread * valley({"none": 0.01, "batch": 0.1})(key)


def lines(figure: go.Figure, name: str, panel: str) -> list[go.Scatter]:
    return [
        trace
        for trace in figure.data
        if trace.name == name and trace.xaxis == panel and "lines+" in trace.mode
    ]


def of_rates() -> Drawn:
    return rates.KIND.draw(Result(over_rates(rates_spec(*RATES), loss)), LIGHT)


def test_losses_over_rates_are_geometric_means_with_no_point_where_a_run_diverged() -> (
    None
):
    figure = of_rates().figure
    (batch,), (none,) = (
        lines(figure, "with batch norm", "x"),
        lines(figure, "without batch norm", "x"),
    )
    assert batch.x == pytest.approx(RATES)
    logs = [math.log(loss(RunKey("batch", 0.01, seed))) for seed in range(4)]
    mean = math.exp(sum(logs) / len(logs))
    assert batch.y[0] == pytest.approx(mean, rel=1e-6)
    assert np.isnan(none.y[2])


def test_the_share_of_runs_that_did_not_train_is_shown() -> None:
    figure = of_rates().figure
    assert list(lines(figure, "without batch norm", "x3")[0].y) == [0, 0, 100]
    assert list(lines(figure, "with batch norm", "x3")[0].y) == [0, 0, 0]
    titles = [note.text for note in figure.layout.annotations]
    assert titles[2] == "<b>runs that did not train</b>"


def lost(spec: StudySpec, where: Callable[[RunKey], bool]) -> Result:
    """Of ten classes these runs end at the loss of chance, finite as it is."""
    shares = {"train": [10] * 10, "validation": [2] * 10}
    noted = json.dumps({"line": "", "parts": shares})
    record = over_rates(spec, lambda key: math.log(10) if where(key) else 0.1)
    runs = tuple(
        replace(run, step_losses=np.full_like(run.step_losses, math.log(10)))
        if where(run.key)
        else run
        for run in record.runs
    )
    return Result(replace(record, runs=runs, meta={**record.meta, "data": noted}))


def test_runs_that_end_at_chance_are_among_those_that_did_not_train() -> None:
    at_chance = lost(
        rates_spec(*RATES),
        lambda key: key.arm == "none" and key.rate == 1.0 and key.seed < 3,
    )
    drawn = rates.KIND.draw(at_chance, LIGHT)
    assert list(lines(drawn.figure, "without batch norm", "x3")[0].y) == [0, 0, 75]
    assert "not all runs trained at 1; with batch norm" in drawn.alt
    # they have a final loss all the same
    assert np.isfinite(lines(drawn.figure, "without batch norm", "x")[0].y).all()
    # the claim at that rate counts the same ones
    (claim,) = [
        claim
        for claim in at_chance.claims()
        if claim.id == "trains-at-all" and claim.rate == 1.0
    ]
    assert sorted(effect.value for effect in claim.effects) == [0, 1, 1, 1]


def test_a_sweep_counts_runs_that_end_at_chance_too() -> None:
    spec = with_settings(rates_spec(0.01), ["recipe.batch_size=8,64"])
    at_chance = lost(
        spec, lambda key: key.arm == "batch" and key.seed == 0 and SMALL in key.point
    )
    drawn = sweep.KIND.draw(at_chance, LIGHT)
    assert list(lines(drawn.figure, "with batch norm", "x3")[0].y) == [25, 0]
    assert list(lines(drawn.figure, "without batch norm", "x3")[0].y) == [0, 0]
    titles = [note.text for note in drawn.figure.layout.annotations]
    assert "<b>runs that did not train</b>" in titles
    said = " Runs that did not train: 1 of 4 with batch norm at batch size 8."
    assert drawn.alt.endswith(said)


def test_the_share_of_runs_that_did_not_train_has_a_band() -> None:
    (band,) = [
        trace
        for trace in of_rates().figure.data
        if trace.name == "without batch norm"
        and trace.xaxis == "x3"
        and trace.fill == "toself"
    ]
    # Wilson's intervals for 0, 0 and 4 of 4; the outline goes there and back
    ends = [0, 0, 51.01, 100, 48.99, 48.99]
    assert list(band.y) == pytest.approx(ends, abs=0.01)


def test_each_point_of_a_sweep_has_its_row_with_its_name() -> None:
    spec = rates_spec(*RATES, sweep={SIZE: [8, 64]})
    drawn = rates.KIND.draw(Result(over_rates(spec, loss)), LIGHT)
    titles = [note.text for note in drawn.figure.layout.annotations]
    assert titles[0] == "<b>final test loss, batch_size 8</b>"
    assert titles[3] == "<b>final test loss, batch_size 64</b>"
    assert lines(drawn.figure, "with batch norm", "x4")[0].x == pytest.approx(RATES)
    assert drawn.alt.startswith(
        "At batch_size 8: without batch norm accuracy is highest"
    )
    assert " At batch_size 64: without batch norm" in drawn.alt


def test_of_many_points_some_have_a_row() -> None:
    spec = rates_spec(*RATES, sweep={SIZE: [2, 4, 8, 16, 32, 64]})
    drawn = rates.KIND.draw(Result(over_rates(spec, loss)), LIGHT)
    assert drawn.alt.endswith("2 other points are not drawn.")
    assert "At batch_size 64: " in drawn.alt


def test_each_arms_own_best_is_ringed() -> None:
    figure = of_rates().figure
    rings = {
        t.legendgroup: t.x
        for t in figure.data
        if "its own best" in str(t.hovertemplate)
    }
    assert rings["without batch norm"] == pytest.approx([0.01])
    assert rings["with batch norm"] == pytest.approx([0.1])


def test_the_words_say_what_is_seen_over_rates() -> None:
    assert "without batch norm accuracy is highest at rate" in of_rates().alt
    assert "its own best is 0.1, all trained" in of_rates().alt
    assert "not all runs trained at 1" in of_rates().alt


def test_one_swept_setting_gives_curves() -> None:
    spec = with_settings(rates_spec(0.01), ["recipe.batch_size=8,64,256"])
    record = over_rates(spec, lambda key: float(dict(key.point)["recipe.batch_size"]))
    drawn = sweep.KIND.draw(Result(record), DARK)
    (line,) = lines(drawn.figure, "with batch norm", "x2")
    assert list(line.x) == list(line.y) == [8, 64, 256]
    assert drawn.figure.layout.xaxis.type == "log"
    assert drawn.figure.layout.xaxis.title.text == "batch size"


def test_words_stand_in_a_row() -> None:
    spec = with_settings(rates_spec(0.01), ["recipe.schedule=constant,cosine"])
    drawn = sweep.KIND.draw(Result(over_rates(spec, lambda key: 0.1)), LIGHT)
    assert drawn.figure.layout.xaxis.ticktext == ("constant", "cosine")
    assert list(lines(drawn.figure, "without batch norm", "x")[0].x) == [0, 1]


def test_two_axes_give_a_map_per_arm_on_one_scale() -> None:
    spec = with_settings(rates_spec(*RATES), ["recipe.batch_size=8,64"])
    drawn = sweep.KIND.draw(Result(over_rates(spec, loss)), LIGHT)
    none, batch = drawn.figure.data
    assert np.shape(none.z) == np.shape(batch.z) == (2, 3)
    assert (none.zmin, none.zmax) == (batch.zmin, batch.zmax)
    assert drawn.figure.layout.xaxis.title.text == "learning rate"
    assert drawn.figure.layout.yaxis2.title.text == "batch size"
    assert "without batch norm from 98.00 % at batch size 8, learning rate" in drawn.alt


def test_what_was_not_swept_is_not_drawn() -> None:
    plain = Result(over_rates(rates_spec(0.01), lambda key: 0.1))
    with pytest.raises(NotMeasured, match="one learning rate; give several with --lr"):
        rates.KIND.draw(plain, LIGHT)
    with pytest.raises(NotMeasured, match="sweeps no setting; give several values"):
        sweep.KIND.draw(plain, LIGHT)


def test_claims_of_several_rates_and_points_say_where_they_hold() -> None:
    spec = rates_spec(0.01, 0.1, sweep={"recipe.batch_size": [8, 64]})
    drawn = claims_forest.KIND.draw(Result(over_rates(spec, lambda key: 0.1)), LIGHT)
    notes = [note for note in drawn.figure.layout.annotations if note.x == 0]
    rows = [(note.xref, note.text) for note in notes]
    panels = {xref for xref, text in rows if text == "<b>Test accuracy</b>"}
    row = "lr 0.1, batch_size 64<br>+0.00 points"
    assert [xref in panels for xref, text in rows if text == row] == [True]
    assert len(set(rows)) == len(rows)
    assert "(with batch norm, lr 0.1, batch_size 64), description" in drawn.alt


def test_a_phone_has_room_for_every_row_of_all_claims() -> None:
    sweep = {"recipe.batch_size": [8, 64], "recipe.weight_decay": [0.0001, 0.0005]}
    spec = rates_spec(0.01, sweep=sweep)
    figure = claims_forest.KIND.draw(
        Result(over_rates(spec, lambda key: 0.1)), LIGHT
    ).figure
    rows = [note.text.split("<br>") for note in figure.layout.annotations if note.y > 1]
    assert rows
    assert max(len(line) for lines in rows for line in lines) < PHONE
    assert not [line for lines in rows for line in lines if "lr " in line]  # one alone
    narrow = figure.layout.meta["narrow"]
    for i, wide in enumerate([figure.layout.yaxis, figure.layout.yaxis2], start=1):
        low, high = narrow[f"yaxis{i if i > 1 else ''}.domain"]
        inner = narrow["height"] - figure.layout.margin.t - figure.layout.margin.b
        per_row = (high - low) * inner / abs(wide.range[1] - wide.range[0])
        assert per_row >= claims_forest.LINE * max(map(len, rows))


def test_claims_of_one_rate_do_not_repeat_it() -> None:
    plain = Result(over_rates(rates_spec(0.01), lambda key: 0.1))
    drawn = claims_forest.KIND.draw(plain, LIGHT)
    assert "lr 0.01" not in drawn.alt + str(drawn.figure.layout.annotations)


def test_final_accuracy_of_a_sweep_is_that_of_its_first_point() -> None:
    spec = rates_spec(0.01, sweep={"recipe.batch_size": [8, 64]})
    record = over_rates(spec, lambda key: 0.1)
    runs = tuple(
        replace(run, test_accuracy=0.9 if dict(run.key.point).get(SIZE) == 8 else 0.5)
        for run in record.runs
    )
    drawn = final_accuracy.KIND.draw(Result(replace(record, runs=runs)), LIGHT)
    assert drawn.alt == (
        "Mean final test accuracy: without batch norm 90.00 %; with batch norm 90.00 %."
    )


@pytest.mark.parametrize("kind", [learning_curves.KIND, twin_difference.KIND])
def test_of_many_rates_some_have_panels_and_the_others_are_counted(
    kind: FigureKind,
) -> None:
    rates = [0.01 * (i + 1) for i in range(MAX_RATES + 3)]
    drawn = kind.draw(Result(over_rates(rates_spec(*rates), valley(BEST))), LIGHT)
    titles = {note.text for note in drawn.figure.layout.annotations}
    panels = {title for title in titles if "learning rate" in title}
    assert len(panels) == MAX_RATES
    assert {f"<b>learning rate {end:g}</b>" for end in (rates[0], rates[-1])} <= panels
    assert drawn.alt.endswith(" 3 other rates are not drawn.")


@pytest.mark.parametrize("points", [2, 100])
def test_of_many_claims_those_of_some_places_are_drawn_together(points: int) -> None:
    swept = {SIZE: list(range(1, points + 1))}
    spec = rates_spec(0.01, 0.1, seeds=3, sweep=swept)
    claims = Result(over_rates(spec, valley(BEST))).claims()
    drawn = list(claims_forest.few(claims))
    assert len(drawn) == len(claims) or len(drawn) <= claims_forest.MAX_ROWS
    assert drawn == [claim for claim in claims if claim in drawn]
    places = [(claim.compared, claim.where) for claim in drawn]
    for place in dict.fromkeys(places):
        there = [claim for claim in claims if (claim.compared, claim.where) == place]
        assert places.count(place) == len(there)
    if len(drawn) < len(claims):
        # of those the first and the last: at own best rates, and over all rates
        assert "same-rate" not in {compared for compared, _ in places}
        own = [claim.where for claim in claims if claim.compared != "same-rate"]
        assert {own[0], own[-1]} <= {where for _, where in places}
