"""Verdicts where a study is looked at more than once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from normlab.analysis.analyse import analyse, judge_all
from normlab.analysis.claim import Claim
from normlab.analysis.design.looks import due, stages
from normlab.analysis.design.rates import choosing
from normlab.analysis.inference.spending import Budget, spent_by
from normlab.analysis.result import StudyResult
from normlab.analysis.text.summary import to_json
from normlab.records.looks import Look
from normlab.records.rows import StudyRecord
from normlab.spec.study import StudySpec

from . import slowly
from .studies import accuracy_study

CLEAR = [0.0049, 0.0050, 0.0051, 0.0050, 0.0049]
LIKELY = [0.004, 0.001, 0.006, 0.002, 0.005]  # p = .02
SMALL = [0.0004, 0.0005, 0.0006, 0.0005, 0.0004]
NOISE = [0.03, -0.03, 0.02, -0.04, 0.01]


def looked_at(
    differences: Sequence[float], *sizes: int, at_most: int | None = None
) -> StudyRecord:
    """Looks at the first so many seeds; what is beyond `at_most` by itself."""
    record = accuracy_study(differences)
    most = at_most or sizes[0]
    spec = record.spec.model_copy(update={"seeds_at_most": most})
    looks = [Look(seeds=tuple(range(most if n > most else 0, n))) for n in sizes]
    return replace(record, spec=spec).with_looks(tuple(looks))


def accuracy(record: StudyRecord) -> Claim:
    return next(c for c in judge_all(record) if c.id == "better-accuracy")


def p_of(differences: Sequence[float]) -> float:
    return float(stats.ttest_1samp(differences, 0).pvalue)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9, 1.0])
def test_what_is_spent_is_that_of_lan_and_demets(share: float) -> None:
    expected = 2 - 2 * stats.norm.cdf(1.96 / np.sqrt(share))
    assert spent_by(share) == pytest.approx(expected, rel=1e-3)


@given(st.sets(st.integers(1, 40), min_size=1), st.integers(0, 20))
def test_all_looks_together_spend_no_more_than_the_level(
    sizes: set[int], more: int
) -> None:
    budget, spent = Budget(at_most=max(sizes) + more), 0.0
    for n in sorted(sizes):
        budget = budget._replace(seeds=n)
        assert budget.level > 0
        spent += budget.level
        budget = budget.later()
    assert spent <= 0.05 + 1e-12
    assert spent == pytest.approx(0.05) or more


def test_an_early_look_asks_for_more() -> None:
    level = 2 * stats.norm.sf(1.959964 * np.sqrt(2))
    assert level < p_of(LIKELY) < 0.05
    whole, early = (
        accuracy(looked_at(LIKELY, 5)),
        accuracy(looked_at(LIKELY, 5, at_most=10)),
    )
    assert (whole.verdict, early.verdict) == ("supported", "inconclusive")
    assert early.level == pytest.approx(level)
    assert (
        "p = 0.018 after correction is not enough at the look at 5 of at" in early.note
    )


def test_a_later_look_may_spend_what_was_not_spent() -> None:
    record = looked_at([*LIKELY, *LIKELY], 5, 10, at_most=10)
    judged = accuracy(record)
    left = 0.05 - 2 * stats.norm.sf(1.959964 * np.sqrt(2))
    assert judged.level == pytest.approx(left)
    assert p_of([*LIKELY, *LIKELY]) < left and judged.verdict == "supported"


def test_a_decision_stays_and_what_came_since_is_named() -> None:
    judged = accuracy(looked_at([*CLEAR, *NOISE], 5, 10, at_most=10))
    assert judged.verdict == "supported"
    assert judged.effects == accuracy(looked_at(CLEAR, 5, at_most=10)).effects
    assert "decided by the look at 5 seeds, and a decision stays" in judged.note
    mean = 100 * np.mean([*CLEAR, *NOISE])
    assert f"all 10 seeds so far: test accuracy: {mean:+.2f} points" in judged.note
    # without the look at five, ten seeds would not say so
    assert accuracy(looked_at([*CLEAR, *NOISE], 10)).verdict == "inconclusive"


def test_no_difference_is_left_to_the_last_look() -> None:
    early = accuracy(looked_at(SMALL, 5, at_most=10))
    assert early.verdict == "inconclusive"
    assert "no difference is said only once all 10 declared seeds" in early.note
    last = accuracy(looked_at([*SMALL, *SMALL], 5, 10, at_most=10))
    assert last.verdict == "no-difference"


def test_seeds_beyond_what_was_declared_are_judged_by_themselves() -> None:
    record = looked_at([*CLEAR, *NOISE], 5, 10)
    judged = accuracy(record)
    assert judged.verdict == "inconclusive"
    assert [effect.seed for effect in judged.effects] == [5, 6, 7, 8, 9]
    assert judged.level == 0.05
    assert "before, seeds 0, 1, 2, 3, 4: supported, test accuracy: +0.50" in judged.note
    assert judged.note.endswith("each at 5 %")


def test_runs_to_come_are_no_missing_pairs_and_later_seeds_no_evidence() -> None:
    before = looked_at(CLEAR, 5, at_most=10)
    record = looked_at([*CLEAR, *NOISE], 5, at_most=10)
    done = [run for run in record.runs if run.key.seed < 8]
    to_come = [
        replace(run, status="queued") for run in record.runs if run.key.seed >= 8
    ]
    record = replace(record, runs=(*done, *to_come))
    assert accuracy(record) == accuracy(before)
    assert "Seeds 5, 6, 7, 8, 9 have joined since and are not judged yet" in str(
        StudyResult(record)
    )


@pytest.mark.parametrize(
    "record",
    [
        looked_at(LIKELY, 5, at_most=10),
        looked_at(CLEAR, 5, at_most=6),
        looked_at(SMALL, 5, at_most=6),
        looked_at(SMALL, 5),
        looked_at([*LIKELY, *LIKELY], 5, 10, at_most=10),
    ],
)
def test_a_verdict_follows_from_what_json_shows(record: StudyRecord) -> None:
    shown = to_json(record, analyse(record))["claims"]
    assert [c["verdict"] for c in shown] == slowly.verdicts(shown)


@pytest.mark.parametrize(
    ("seeds", "declared", "looks", "expected"),
    [
        (5, 5, [], [range(5)]),
        (5, 9, [], [range(5)]),
        (5, 5, [range(5)], []),
        (8, 9, [range(5)], [range(8)]),
        (8, 5, [range(5)], [range(5, 8)]),
        (8, 5, [], [range(5), range(5, 8)]),
        (9, 7, [range(5)], [range(7), range(7, 9)]),
        (9, 5, [range(5), range(5, 8)], [range(8, 9)]),
    ],
)
def test_a_look_is_due_at_seeds_that_none_has_seen(
    seeds: int, declared: int, looks: list[range], expected: list[range]
) -> None:
    spec = StudySpec(seeds=range(seeds))
    spec = spec.model_copy(update={"seeds_at_most": declared})
    kept = [Look(seeds=tuple(look)) for look in looks]
    assert due(spec, kept) == tuple(tuple(seen) for seen in expected)


def test_the_first_look_fixes_who_chooses_rates() -> None:
    spec = StudySpec(seeds=range(9), seeds_at_most=9)
    record = StudyRecord(spec=spec)
    assert choosing(record) == (0, 1, 2)
    looks = (Look(seeds=(0, 1, 2)),)
    assert choosing(record.with_looks(looks)) == (0,)
    beyond = replace(record, spec=spec.model_copy(update={"seeds_at_most": 3}))
    assert choosing(beyond) == (0,)  # also before the look is taken


def test_of_several_groups_each_has_its_own_level() -> None:
    record = looked_at([0.0] * 12, 4, 6, 9, at_most=6)
    (first, second), (alone,) = stages(record)
    assert first.budget.level + second.budget.level == pytest.approx(0.05)
    assert (alone.seeds, alone.budget.level) == ((6, 7, 8), 0.05)
    assert alone.budget.before == 6
