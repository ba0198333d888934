from __future__ import annotations

import pytest
from scipy import stats

from normlab.analysis.analyse import analyse, judge_all
from normlab.analysis.claim import Claim
from normlab.analysis.inference.interval import exact_share
from normlab.records.rows import StudyRecord
from normlab.spec.plan import RunKey

from .studies import accuracy_study, changed


def diverging(seeds: int, *, none: int, batch: int = 0) -> StudyRecord:
    record = accuracy_study([0.001 * (seed % 3) for seed in range(seeds)])
    for arm, how_many in (("none", none), ("batch", batch)):
        for seed in range(how_many):
            key = RunKey(arm, 0.01, seed)
            record = changed(record, key, status="diverged", diverged_step=7)
    return record


def claim(record: StudyRecord, name: str = "trains-at-all") -> Claim:
    return next(claim for claim in judge_all(record) if claim.id == name)


def test_where_every_run_trained_it_is_a_line_and_no_claim() -> None:
    record = diverging(5, none=0)
    assert "trains-at-all" not in [claim.id for claim in judge_all(record)]
    assert analyse(record).remarks[0] == (
        "every run with batch norm and without trained (5 seeds)"
    )


def test_eight_baselines_that_fail_alone_support_it() -> None:
    judged = claim(diverging(8, none=8))
    assert judged.p == pytest.approx(2 / 2**8)
    assert (judged.verdict, judged.estimate, judged.interval) == (
        "supported",
        1.0,
        None,
    )
    assert judged.note.startswith(
        "without batch norm alone in 8 pairs, with batch norm alone in 0 (McNemar's "
        "exact test: p = 0.0078)"
    )
    assert judged.numbers == (
        "did not train: 8 of 8 runs without batch norm [63 to 100 %], "
        "0 of 8 runs with batch norm [0 to 37 %]"
    )


def test_five_pairs_are_not_enough_however_clear() -> None:
    judged = claim(diverging(5, none=5))
    assert judged.verdict == "not-enough-seeds"
    assert "McNemar's exact test needs " in judged.note


def test_arms_of_which_no_run_trained_have_a_line_and_no_claims() -> None:
    record = diverging(8, none=8, batch=8)
    assert judge_all(record) == ()
    assert analyse(record).remarks[0] == (
        "no run with batch norm or without trained (8 seeds): nothing else is said of "
        "them"
    )


@pytest.mark.parametrize("seeds", [28, 29])
def test_arms_are_equal_where_a_tenth_of_the_pairs_is_excluded(seeds: int) -> None:
    # one pair fails together, so it is judged; 0.95 that one of n pairs would differ:
    # 1 - 0.9^28 = 0.948, 1 - 0.9^29 = 0.953
    judged = claim(diverging(seeds, none=1, batch=1))
    assert (judged.verdict == "no-difference") == (1 - 0.9**seeds >= 0.95)


def test_ratio_claims_keep_to_complete_pairs_and_stay_inconclusive() -> None:
    judged = claim(diverging(5, none=2), "faster-convergence")
    assert (judged.seeds, judged.verdict) == (3, "inconclusive")
    assert judged.note.startswith(
        "3 of 5 pairs (seeds 0, 1: the run without batch norm did not train)"
    )


def test_fewer_than_three_pairs_left_are_not_measurable() -> None:
    judged = claim(diverging(4, none=4), "faster-convergence")
    assert judged.verdict == "not-measurable"
    assert judged.note.startswith(
        "the run without batch norm did not train (4 of 4 seeds)"
    )


def test_accuracy_keeps_the_diverged_runs() -> None:
    assert claim(diverging(5, none=2), "better-accuracy").seeds == 5


@pytest.mark.parametrize("n", [1, 3, 6, 29])
def test_the_interval_of_a_share_inverts_the_binomial_test(n: int) -> None:
    for k in range(n + 1):
        of = stats.binomtest(k, n).proportion_ci(method="exact")
        assert exact_share(k, n)[1:3] == pytest.approx((of.low, of.high), abs=1e-12)
