from __future__ import annotations

from dataclasses import replace

import pytest

from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.result import Result
from normlab.records.rows import StudyRecord
from normlab.report.headline import PLAIN, headlines
from normlab.report.limits import limits
from normlab.spec.plan import RunKey
from tests.analysis.studies import accuracy_study, changed, twins_study


def sentence(record: StudyRecord) -> str:
    (found,) = headlines(record.spec, Result(record).claims())
    return found


def test_every_claim_has_everyday_words() -> None:
    assert {definition.id for definition in DEFINITIONS} <= set(PLAIN)


def test_a_better_arm_is_praised_with_its_number() -> None:
    record = accuracy_study([0.010, 0.011, 0.012, 0.011])
    assert sentence(record).startswith(
        "With batch normalization, the network got more test images right "
        "(+1.10 points) than without."
    )


def test_a_worse_arm_is_not_praised() -> None:
    record = accuracy_study([-0.010, -0.011, -0.012, -0.011])
    assert "against the expectation, got fewer test images right" in sentence(record)


def test_equal_arms_are_called_equal() -> None:
    record = twins_study(3, lambda seed: {})
    assert "nothing measurably better or worse than without" in sentence(record)


def test_two_seeds_say_nothing_about_better_or_worse() -> None:
    record = accuracy_study([0.010, 0.011])
    assert "too few seeds to say whether it is better or worse" in sentence(record)


def test_the_claims_are_counted() -> None:
    record = accuracy_study([0.010, 0.011, 0.012, 0.011])
    assert "Of 4 usual statements, 1 held" in sentence(record)
    assert sentence(record).endswith("(4 seeds).")


@pytest.mark.parametrize("status", ["diverged", "failed", "interrupted"])
def test_runs_that_did_not_end_well_are_among_the_limits(status: str) -> None:
    record = changed(accuracy_study([0.0] * 3), RunKey("none", 0.01, 1), status=status)
    assert f"1 run {status}: none-lr0.01-seed1." in limits(Result(record))


def test_one_rate_is_a_limit() -> None:
    lines = limits(Result(accuracy_study([0.0])))
    assert any("at the same learning rate, 0.01" in line for line in lines)


def test_several_rates_are_named_in_the_verdict() -> None:
    record = accuracy_study([0.010, 0.011, 0.012])
    recipe = record.spec.recipe.model_copy(update={"rates": (0.01, 0.1)})
    spec = record.spec.model_copy(update={"recipe": recipe})
    both = headlines(spec, Result(replace(record, spec=spec)).claims())
    assert any("(lr 0.1)" in line for line in both)
