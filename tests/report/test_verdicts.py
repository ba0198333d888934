"""The table of a report: where its claims are shown, and the words of its rows."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.text.words import upper
from normlab.experiments.paper_speed import EXPERIMENT
from normlab.facade.result import Result
from normlab.figures.gallery import KINDS
from normlab.report.build import build
from normlab.report.verdicts import COMPARED, USUAL, tables
from normlab.spec.arms import Arm
from tests.analysis.studies import accuracy_study
from tests.analysis.sweeps import over_rates, rates_spec

IDS = [kind.id for kind in KINDS]


def test_every_claim_has_a_figure_that_is_drawn() -> None:
    assert {claim.figure for claim in DEFINITIONS} <= {*IDS}


def test_a_figure_that_is_not_drawn_is_not_led_to() -> None:
    record = accuracy_study([0.010, 0.011, 0.012])
    claims = Result(record).claims()
    (rows,) = tables(record.spec, claims, ["final-accuracy"])
    led = {row.claim.id: row.figure for row in rows.first}
    assert led.pop("better-accuracy") == "final-accuracy"
    assert set(led.values()) == {""}


def test_rows_come_in_the_order_of_their_figures() -> None:
    record = accuracy_study([0.010, 0.011, 0.012])
    (rows,) = tables(record.spec, Result(record).claims(), ["final-accuracy"])
    assert rows.head == USUAL
    assert rows.first[0].claim.id == "better-accuracy"
    assert rows.first[0].statement.startswith("Accuracy on the test set is higher")


def test_of_two_norms_no_side_is_expected() -> None:
    arms = (Arm(name="batch", norm="batch"), Arm(name="group", norm="group"))
    record = over_rates(
        rates_spec(0.1, seeds=6).model_copy(update={"arms": arms}),
        lambda key: (0.2 if key.arm == "group" else 0.1) + 0.001 * key.seed,
    )
    (rows,) = tables(record.spec, Result(record).claims(), IDS)
    said = {row.claim.id: row for row in rows.first}
    assert rows.head == COMPARED
    accuracy = said["better-accuracy"]
    assert accuracy.statement == (
        "Test accuracy with group norm, against with batch norm"
    )
    assert accuracy.verdict not in ("supported", "contradicted")


def test_a_named_experiment_opens_with_what_the_paper_says() -> None:
    record = accuracy_study([0.010, 0.011, 0.012, 0.011])
    named = record.spec.model_copy(update={"experiment": "paper-speed"})
    page = build(Result(replace(record, spec=named)))
    before = page.partition('aria-label="With batch norm')[0]
    assert "The publication says" in before
    for statement in EXPERIMENT.statements:
        assert upper(statement.says) in unescape(before)
    assert "The publication says" not in build(Result(record))


def test_what_holds_for_the_study_goes_before_each_setting() -> None:
    sweep = {"recipe.batch_size": [2, 4, 8, 16]}
    record = over_rates(rates_spec(0.1, seeds=6, sweep=sweep), lambda key: 0.1)
    (rows,) = tables(record.spec, Result(record).claims(), IDS)
    assert {row.claim.compared for row in rows.first} == {"over-sweep"}
    assert {row.claim.compared for row in rows.places} == {"same-rate"}
    assert {row.figure for row in rows.first} == {"sweep"}
