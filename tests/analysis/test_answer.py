"""The first lines: what is asked, the answer by the verdict, and the number."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import get_args

import pytest

from normlab.analysis.analyse import judge_all
from normlab.analysis.claims import DEFINITIONS, smoother_surface
from normlab.analysis.inference.verdict import Verdict
from normlab.analysis.text.answer import SAYS, Answer, answers, parts_text
from normlab.facade.result import Result
from normlab.records.rows import RunRecord, StudyRecord
from normlab.report.build import build
from normlab.spec.plan import RunKey
from tests.analysis.studies import accuracy_study, twins_study
from tests.analysis.sweeps import over_rates, rates_spec


def lines(record: StudyRecord, *own: object) -> dict[str, Answer]:
    (found,) = answers(record.spec, Result(record).claims(extra=own))
    assert found.title == "with batch norm, compared with training without batch norm"
    return {line.question: line for line in found.lines}


def test_three_questions_are_answered_in_this_order() -> None:
    found = list(lines(accuracy_study([0.010, 0.011, 0.012, 0.011])))
    assert found[:3] == ["Faster", "More accurate", "Smoother loss surface"]


def test_each_verdict_has_an_answer() -> None:
    assert {*get_args(Verdict)} - {"description"} == SAYS.keys()


ACCURACIES = {
    "yes (test accuracy: +1.10 points, 95 % CI +": [0.010, 0.011, 0.012, 0.011],
    "no, the opposite (test accuracy: -1.10 points": [-0.010, -0.011, -0.012, -0.011],
    "no difference (test accuracy: +0.00 points": [0.0, 0.0001, -0.0001, 0.0],
    "not shown (test accuracy: +0.05 points": [0.003, -0.003, 0.004, -0.002],
    "not shown, too few seeds (test accuracy: +1.05 points": [0.010, 0.011],
}


@pytest.mark.parametrize("words", ACCURACIES)
def test_an_answer_has_its_number(words: str) -> None:
    found = lines(accuracy_study(ACCURACIES[words]))["More accurate"]
    assert str(found).startswith(f"More accurate: {words}")
    assert [claim.id for claim in found.claims] == ["better-accuracy"]


def test_what_was_not_observed_is_said_to_be_not_measured() -> None:
    record = twins_study(3, lambda seed: {})
    spec = record.spec.model_copy(update={"measure": "light"})
    found = lines(replace(record, spec=spec))["Smoother loss surface"]
    assert str(found) == "Smoother loss surface: not measured (measure = light)"


def test_a_claim_of_a_users_own_may_ask_a_question() -> None:
    accuracy = next(d for d in DEFINITIONS if d.id == "better-accuracy")
    record = accuracy_study([0.010, 0.011, 0.012, 0.011])
    mine = replace(accuracy, id="mine", asked="better by my measure")
    assert lines(record, mine)["Better by my measure"].says == "yes"
    silent = replace(accuracy, id="mine", asked="")
    assert lines(record, silent).keys() == lines(record).keys()


def test_arms_of_which_none_trained_are_not_compared_in_the_report() -> None:
    record = over_rates(rates_spec(0.1, seeds=3), lambda key: math.inf)
    assert answers(record.spec, Result(record).claims()) == []
    page = re.sub("<a [^>]*>|</a>", "", build(Result(record)))
    assert "No run with batch norm or without trained (3 seeds)" in page
    assert "One arm only" not in page


def test_rates_are_compared_each_arm_at_its_own_best() -> None:
    def loss(key: RunKey) -> float:
        return math.inf if key.arm == "none" and key.rate > 0.1 else 0.1

    record = over_rates(rates_spec(0.01, 0.1, 0.3, 1.0, seeds=6), loss)
    found = lines(record)
    wider = found["Works at larger learning rates"]
    assert {claim.compared for claim in wider.claims} == {"all-rates"}
    assert "+2.00 steps of the grid" in wider.why
    assert {claim.compared for claim in found["More accurate"].claims} == {"own-best"}


def test_of_a_sweep_the_range_is_told_and_whether_the_advantage_grows() -> None:
    sweep = {"recipe.batch_size": [2, 4, 8, 16]}
    record = over_rates(rates_spec(0.1, seeds=6, sweep=sweep), lambda key: 0.1)

    def better(run: RunRecord) -> RunRecord:
        gain = 0.0101 + 0.0001 * run.key.seed
        small = dict(run.key.point)["recipe.batch_size"] in (2, 4)
        more = gain if run.key.arm == "batch" and small else 0.0
        return replace(run, test_accuracy=0.9 + more)

    found = lines(replace(record, runs=tuple(map(better, record.runs))))
    assert str(found["More accurate"]) == (
        "More accurate: higher at 2 of 4 values of batch_size (test accuracy: "
        "+0.00 points to +1.03 points)"
    )
    # least squares over log2 = 1, 2, 3, 4 of g, g, 0, 0 is -0.4 g; g = 1.035 points
    grows = found["Advantage in accuracy grows with batch_size"]
    assert "change per doubling of batch_size: -0.41" in grows.why


@pytest.mark.parametrize(
    ("sides", "told"),
    [
        ((None, None, None), "undecided in each of 3 measurements"),
        (("above", "above", None), "rougher in steps 1-18, else undecided"),
        (
            ("above", None, "below"),
            "rougher in steps 1-18 by 1 of 2 measures, smoother in steps 1-187, "
            "else undecided",
        ),
        (
            ("above", "below", "equal"),
            "rougher in steps 1-18, smoother in steps 1-18 by row, "
            "equal in steps 1-187",
        ),
    ],
)
def test_measures_of_the_same_steps_are_told_together(
    sides: tuple[str | None, ...], told: str
) -> None:
    (claim,) = (
        claim
        for claim in judge_all(accuracy_study([0.01] * 5))
        if claim.definition.id == "better-accuracy"
    )
    names = ("in steps 1-18", "in steps 1-18 by row", "in steps 1-187")
    parts = tuple(
        replace(claim.components[0], name=name, side=side)
        for name, side in zip(names, sides, strict=True)
    )
    rough = replace(claim, definition=smoother_surface.CLAIM, components=parts)
    assert parts_text(rough) == told
