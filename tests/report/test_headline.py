from __future__ import annotations

import math
from dataclasses import replace

import pytest
from normlab.report.headline import FIRST, headlines

from normlab.analysis.claims import DEFINITIONS
from normlab.facade.result import Result
from normlab.records.rows import RunRecord, StudyRecord
from normlab.report.build import build
from normlab.report.limits import limits
from normlab.spec.plan import RunKey
from tests.analysis.studies import accuracy_study, changed, twins_study
from tests.analysis.sweeps import over_rates, rates_spec


def sentence(record: StudyRecord) -> str:
    (found,) = headlines(record.spec, Result(record).claims())
    return found


def test_a_better_arm_is_praised_with_its_number() -> None:
    record = accuracy_study([0.010, 0.011, 0.012, 0.011])
    assert sentence(record).startswith(
        "With batch normalization, the network got more test images right "
        "(+1.10 points) than without."
    )


def test_a_claim_of_a_users_own_is_told_in_its_words_or_quoted() -> None:
    record = accuracy_study([0.010, 0.011, 0.012, 0.011])
    accuracy = next(d for d in DEFINITIONS if d.id == "better-accuracy")
    for words, told in (
        ("won by {estimate}", "won by +1.10 points"),
        ("", "was found supported in “batch is more accurate than none"),
    ):
        own = replace(accuracy, id="mine", if_supported=words)
        (found,) = headlines(record.spec, Result(record).claims(extra=own))
        assert told in found


def test_a_worse_arm_is_not_praised() -> None:
    record = accuracy_study([-0.010, -0.011, -0.012, -0.011])
    assert "against the expectation, got fewer test images right" in sentence(record)


def test_equal_arms_are_called_equal() -> None:
    record = twins_study(3, lambda seed: {})
    assert "nothing measurably better or worse than without" in sentence(record)


def test_two_seeds_say_nothing_about_better_or_worse() -> None:
    record = accuracy_study([0.010, 0.011])
    assert "too few seeds to say whether it is better or worse" in sentence(record)
    assert "test accuracy cannot be told apart by so few seeds (+1.05 points)" in (
        sentence(record)
    )


ACCURACIES = {
    "is the same (+0.00 points)": [0.0, 0.0001, -0.0001, 0.0],
    "shows no clear difference (+0.05 points)": [0.003, -0.003, 0.004, -0.002],
}


@pytest.mark.parametrize("words", ACCURACIES)
def test_the_accuracy_comes_first_even_if_nothing_is_known_of_it(words: str) -> None:
    assert sentence(accuracy_study(ACCURACIES[words])).startswith(
        f"With batch normalization, test accuracy {words}, "
    )


def test_the_claims_are_counted() -> None:
    record = accuracy_study([0.010, 0.011, 0.012, 0.011])
    judged = len(Result(record).claims())
    assert f"Of {judged} usual statements, 1 held" in sentence(record)
    assert sentence(record).endswith("(4 seeds).")


def test_many_statements_are_named_in_part_and_the_rest_is_counted() -> None:
    claims = Result(accuracy_study([-0.010, -0.011, -0.012, -0.011])).claims()
    worse = next(c for c in claims if c.id == "better-accuracy")
    by_id = {definition.id: definition for definition in DEFINITIONS}
    six = [replace(worse, definition=by_id[name]) for name in FIRST]
    (found,) = headlines(accuracy_study([0.0]).spec, six)
    assert "tolerated only smaller learning rates" not in found
    assert "and did worse in 2 more ways than without." in found


def test_what_was_not_decided_stayed_open_whatever_the_reason() -> None:
    claims = Result(accuracy_study([0.010, 0.011, 0.012, 0.011])).claims()
    lost = [replace(c, verdict="not-measurable", effects=()) for c in claims[:2]]
    (found,) = headlines(accuracy_study([0.0]).spec, [*lost, *claims[2:]])
    assert found.endswith("1 showed no difference and 2 stayed open (4 seeds).")


def test_where_nothing_can_be_measured_the_reason_is_said() -> None:
    claims = Result(accuracy_study([0.010, 0.011, 0.012, 0.011])).claims()
    lost = [
        replace(c, verdict="not-measurable", note="no network learnt") for c in claims
    ]
    (found,) = headlines(accuracy_study([0.0]).spec, lost)
    assert "could be measured against the network without: no network learnt." in found


def test_a_caveat_says_what_it_is_about() -> None:
    accuracy = next(d for d in DEFINITIONS if d.id == "better-accuracy")
    own = replace(accuracy, id="mine", caveat="contested by many")
    result = replace(Result(accuracy_study([0.0] * 3)), own=(own,))
    assert limits(result)[-1] == (
        "“batch is more accurate than none on the test set”: contested by many."
    )


def test_arms_of_which_none_trained_are_not_compared_in_the_report() -> None:
    record = over_rates(rates_spec(0.1, seeds=3), lambda key: math.inf)
    assert headlines(record.spec, Result(record).claims()) == []
    assert "No run of none or batch trained (3 seeds)" in build(Result(record))


@pytest.mark.parametrize("status", ["diverged", "failed", "interrupted"])
def test_runs_that_did_not_end_well_are_among_the_limits(status: str) -> None:
    record = changed(accuracy_study([0.0] * 3), RunKey("none", 0.01, 1), status=status)
    assert f"1 run {status}: none-lr0.01-seed1." in limits(Result(record))


def test_one_rate_is_a_limit() -> None:
    lines = limits(Result(accuracy_study([0.0])))
    assert any("at the same learning rate, 0.01" in line for line in lines)


def of_sweep(record: StudyRecord) -> list[str]:
    return headlines(record.spec, Result(record).claims())


def narrow_without(key: RunKey) -> float:
    """The plain network diverges at the two largest rates."""
    return math.inf if key.arm == "none" and key.rate > 0.1 else 0.1


def test_rates_are_led_by_what_holds_over_all_of_them() -> None:
    record = over_rates(rates_spec(0.01, 0.1, 0.3, 1.0, seeds=6), narrow_without)
    over_all, own_best = of_sweep(record)
    assert over_all == (
        "With batch normalization (over all lr), the network tolerated larger learning "
        "rates (+2.00 steps of the grid) than without."
    )
    assert own_best.startswith("With batch normalization (each at its own best lr), ")


def test_larger_rates_are_said_in_everyday_words() -> None:
    def wide(key: RunKey) -> float:
        least = 0.1 if key.seed % 2 else 1.0
        return math.inf if key.arm == "none" and key.rate >= least else 0.1

    record = over_rates(rates_spec(0.01, 0.1, 1.0, seeds=8), wide)
    assert (
        "With batch normalization (over all lr), the network tolerated larger learning "
        "rates (+1.50 steps of the grid) than without."
    ) in of_sweep(record)


def test_of_a_sweep_it_is_said_how_the_advantage_changes_along_it() -> None:
    sweep = {"recipe.batch_size": [2, 4, 8, 16]}
    record = over_rates(rates_spec(0.1, seeds=6, sweep=sweep), lambda key: 0.1)

    def better(run: RunRecord) -> RunRecord:
        gain = 0.0101 + 0.0001 * run.key.seed
        small = dict(run.key.point)["recipe.batch_size"] in (2, 4)
        more = gain if run.key.arm == "batch" and small else 0.0
        return replace(run, test_accuracy=0.9 + more)

    record = replace(record, runs=tuple(map(better, record.runs)))
    sentences = of_sweep(record)
    # least squares over log2 = 1, 2, 3, 4 of g, g, 0, 0 is -0.4 g; g = 1.035 points
    assert "gained less accuracy per doubling of batch_size (-0.41" in sentences[-1]
    assert "(over batch_size)" in sentences[-1]
