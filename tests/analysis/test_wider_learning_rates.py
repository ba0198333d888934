from __future__ import annotations

import math

import pytest

from normlab.analysis.analyse import judge_all
from normlab.analysis.claim import Claim
from normlab.analysis.claims.wider_learning_rates import largest_rank
from normlab.analysis.design.learning import NOT_SAID, Chance
from normlab.records.rows import StudyRecord
from normlab.spec.plan import RunKey
from tests.analysis.sweeps import made, over_rates, rates_spec

AT_CHANCE = math.log(10)
TEN = Chance(train=AT_CHANCE, validation=AT_CHANCE)
LADDERS = [
    ([0.5, 0.1, 0.15], NOT_SAID, 3),
    ([0.5, 0.1, 0.2], NOT_SAID, 2),
    ([0.5, 0.1, math.inf], NOT_SAID, 2),
    ([0.1, math.inf, 0.15], NOT_SAID, 3),
    ([0.0, 0.0, 0.1], NOT_SAID, 2),
    ([math.inf] * 3, NOT_SAID, 0),
    ([AT_CHANCE] * 3, NOT_SAID, 3),
    ([AT_CHANCE] * 3, TEN, 0),
    ([1.2, AT_CHANCE, AT_CHANCE], TEN, 1),
    ([1.2, 2.05, AT_CHANCE], TEN, 2),
    ([1.2, 2.08, AT_CHANCE], TEN, 1),  # 0.9 log(10) = 2.072
]


@pytest.mark.parametrize(("losses", "chance", "rank"), LADDERS)
def test_the_largest_rate_is_the_last_at_which_the_run_trains_well(
    losses: list[float], chance: Chance, rank: int
) -> None:
    keys = [RunKey("none", rate, 0) for rate in (0.01, 0.1, 1.0)]
    runs = [made(key, loss) for key, loss in zip(keys, losses, strict=True)]
    assert largest_rank(runs, chance) == largest_rank(runs[::-1], chance) == rank


def judged(record: StudyRecord) -> Claim:
    (claim,) = [c for c in judge_all(record) if c.id == "wider-learning-rates"]
    return claim


def reaching(record_rates: tuple[float, ...], seeds: int, **limits: float) -> Claim:
    """Both arms train up to a rate of their own."""

    def loss(key: RunKey) -> float:
        return 0.1 if key.rate <= limits[key.arm] else math.inf

    return judged(over_rates(rates_spec(*record_rates, seeds=seeds), loss))


def test_an_arm_that_trains_at_no_rate_stands_below_the_smallest() -> None:
    claim = reaching((0.01, 0.1, 1.0), 6, none=0.0, batch=1.0)
    assert [effect.value for effect in claim.effects] == [3.0] * 6
    assert (claim.verdict, claim.p) == ("supported", 2 / 2**6)
    assert claim.numbers == (
        "largest rate that works: +3.00 steps of the grid, higher in 6 of 6 seeds"
    )


@pytest.mark.parametrize("seeds", [5, 6])
def test_it_takes_six_seeds_that_agree(seeds: int) -> None:
    claim = reaching((0.01, 0.1, 1.0), seeds, none=0.1, batch=1.0)
    decided = 2 / 2**seeds < 0.05
    assert claim.verdict == ("supported" if decided else "not-enough-seeds")
    assert ("exact sign test needs 6 seeds" in claim.note) == (not decided)


def test_ties_alone_are_inconclusive_and_say_how_coarse_the_grid_is() -> None:
    claim = reaching((0.01, 0.1, 0.3), 8, none=0.1, batch=0.1)
    assert (claim.verdict, claim.p) == ("inconclusive", None)
    assert claim.note == (
        "the arms are equal from every seed; resolved to one step of the grid (x 10)"
    )


def test_of_ties_only_the_other_seeds_count() -> None:
    def loss(key: RunKey) -> float:
        wider = key.arm == "batch" and key.seed < 6
        return 0.1 if key.rate <= (1.0 if wider else 0.1) else math.inf

    claim = judged(over_rates(rates_spec(0.01, 0.1, 1.0, seeds=9), loss))
    assert (claim.wins, claim.seeds, claim.p) == (6, 9, 2 / 2**6)
    assert "higher with batch norm in 6, lower in 0, equal in 3" in claim.note


def test_one_rate_makes_no_such_claim() -> None:
    record = over_rates(rates_spec(0.01), lambda key: 0.1)
    assert "wider-learning-rates" not in [claim.id for claim in judge_all(record)]
