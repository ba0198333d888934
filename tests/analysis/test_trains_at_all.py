from __future__ import annotations

import pytest

from normlab.analysis.analyse import judge_all
from normlab.analysis.claim import Claim
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


def test_it_decides_nothing_if_nothing_diverged() -> None:
    judged = claim(diverging(5, none=0))
    assert (judged.verdict, judged.p) == ("not-enough-seeds", None)
    assert judged.note.startswith(
        "diverged: none 0/5, batch 0/5: the arms agree from every seed; "
        "pairs that differ: none seen; up to 45 % possible"
    )


@pytest.mark.parametrize("seeds", [28, 29])
def test_arms_are_equal_where_a_tenth_of_the_pairs_is_excluded(seeds: int) -> None:
    # 0.95 that one of n pairs would differ: 1 - 0.9^28 = 0.948, 1 - 0.9^29 = 0.953
    judged = claim(diverging(seeds, none=0))
    assert (judged.verdict == "no-difference") == (1 - 0.9**seeds >= 0.95)


def test_eight_baselines_that_diverge_alone_support_it() -> None:
    judged = claim(diverging(8, none=8))
    assert judged.p == pytest.approx(2 / 2**8)
    assert (judged.verdict, judged.estimate, judged.interval) == (
        "supported",
        1.0,
        None,
    )
    assert judged.note.startswith(
        "diverged: none 8/8, batch 0/8; only none diverged in 8 pairs, only batch in 0 "
        "(McNemar's exact test: p = 0.0078)"
    )
    assert judged.numbers == "+100 % of runs, wins 8 of 8 seeds"


def test_five_pairs_are_not_enough_however_clear() -> None:
    judged = claim(diverging(5, none=5))
    assert judged.verdict == "not-enough-seeds"
    assert "McNemar's exact test needs " in judged.note


def test_arms_that_diverge_together_say_nothing() -> None:
    judged = claim(diverging(8, none=8, batch=8))
    assert judged.verdict == "inconclusive"
    assert judged.note.startswith("diverged: none 8/8, batch 8/8")


def test_ratio_claims_keep_to_complete_pairs_and_stay_inconclusive() -> None:
    judged = claim(diverging(5, none=2), "faster-convergence")
    assert (judged.seeds, judged.verdict) == (3, "inconclusive")
    assert judged.note.startswith("3 of 5 pairs (seeds 0, 1: none diverged)")


def test_accuracy_keeps_the_diverged_runs() -> None:
    assert claim(diverging(5, none=2), "better-accuracy").seeds == 5
