from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normlab.analysis.design.rates import HeldOutLosses
from normlab.analysis.design.refine import Refinement, next_rate, search
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.plan import RunKey, plan
from tests.analysis.sweeps import Loss, best, made, over_rates, rates_spec, valley

RATES = (0.001, 0.01, 0.1, 1.0)


def refined(loss: Loss, *, steps: int, order: int = 0) -> set[RunKey]:
    """All runs that are asked for until nothing more is."""
    spec = rates_spec(*RATES, refine=steps)
    known: set[RunKey] = set()
    while more := set(Refinement(over_rates(spec, loss, known)).wanted()) - known:
        some = sorted(more)
        random.Random(order).shuffle(some)
        known |= set(some[: 1 if order else len(some)])
    return known


@given(lowest=st.floats(math.log(0.002), math.log(0.5)))
def test_the_search_closes_in_on_the_minimum_of_a_valley(lowest: float) -> None:
    losses = {rate: (math.log(rate) - lowest) ** 2 for rate in RATES}
    gaps = []
    for _ in range(10):
        rate = next_rate(losses)
        if rate is None:
            break
        losses[rate] = (math.log(rate) - lowest) ** 2
        best = min(losses, key=lambda r: losses[r])
        gaps.append(abs(math.log(best) - lowest))
    assert gaps == sorted(gaps, reverse=True)
    # from a decade to each side, golden steps leave 0.618 of the part every time;
    # three digits of a rate are half a per cent
    assert gaps[-1] < 2.3 * 0.618**7 + 0.01


def test_each_arm_is_refined_around_its_own_best() -> None:
    added = refined(valley({"none": 0.02, "batch": 0.3}), steps=6)
    record = over_rates(
        rates_spec(*RATES, refine=6), valley({"none": 0.02, "batch": 0.3}), added
    )
    assert best(record, "none").rate == pytest.approx(0.02, rel=0.1)
    assert best(record, "batch").rate == pytest.approx(0.3, rel=0.1)


def test_only_the_choice_seeds_try_and_the_others_follow_at_the_best() -> None:
    added = refined(valley({"none": 0.02, "batch": 0.3}), steps=4)
    for arm in ("none", "batch"):
        tried = {key.rate for key in added if key.arm == arm and key.seed == 0}
        followed = {
            (key.rate, key.seed) for key in added if key.arm == arm and key.seed
        }
        assert 1 <= len(tried) <= 4
        assert {rate for rate, _ in followed} <= tried
        assert len(followed) == 3


@pytest.mark.parametrize("order", range(1, 6))
def test_the_runs_asked_for_do_not_depend_on_the_order_in_which_they_end(
    order: int,
) -> None:
    loss = valley({"none": 0.02, "batch": 0.3})
    assert refined(loss, steps=4, order=order) == refined(loss, steps=4)


def test_a_best_rate_of_the_grid_needs_no_further_claims() -> None:
    added = refined(lambda key: 0.1 + abs(math.log(key.rate / 0.1)), steps=2)
    assert {key.seed for key in added} == {0}


def test_beyond_an_end_of_the_rates_the_search_goes_as_far_as_the_last_gap() -> None:
    assert next_rate({0.01: 2.0, 0.1: 1.0}) == 0.241
    assert next_rate({0.01: 1.0, 0.1: 2.0}) == 0.0241


def test_where_nothing_trains_there_is_nothing_to_refine() -> None:
    assert next_rate({0.1: math.inf, 1.0: math.inf}) is None
    assert refined(lambda key: math.inf, steps=3) == set()


def test_nothing_is_asked_for_without_refine_or_before_the_grid_is_done() -> None:
    loss = valley({"none": 0.02, "batch": 0.3})
    assert Refinement(over_rates(rates_spec(*RATES), loss)).wanted() == ()
    record = over_rates(rates_spec(*RATES, refine=2), loss)
    cut = record.runs[: len(plan(record.spec)) // 8]
    unfinished = type(record)(spec=record.spec, meta=record.meta, runs=cut)
    losses = HeldOutLosses.of(unfinished).by_rate("none", ())
    assert search(record.spec.recipe, losses) == ([], False)
    assert Refinement(unfinished).wanted() == ()


@settings(max_examples=20)
@given(
    shuffled=st.integers(0, 2**32),
    lowest=st.floats(math.log(0.002), math.log(0.5)),
    diverging=st.floats(0.05, 2.0),
    already=st.integers(0, 20),
)
def test_taking_runs_as_they_end_wants_what_reading_anew_wants(
    shuffled: int, lowest: float, diverging: float, already: int
) -> None:
    sweep = {"recipe.batch_size": [8, 16]}
    spec = rates_spec(0.01, 0.1, 1.0, refine=3, sweep=sweep)
    loss: Loss = lambda key: (  # noqa: E731
        math.inf if key.rate > diverging else (math.log(key.rate) - lowest) ** 2
    )
    order, open_, ended = random.Random(shuffled), list(plan(spec)), list[RunKey]()
    order.shuffle(open_)

    def record() -> StudyRecord:
        runs = tuple(made(key, loss(key)) for key in ended)
        queued = tuple(RunRecord(key=key) for key in open_)
        return StudyRecord(spec=spec, runs=(*runs, *queued))

    for _ in range(already):
        ended.append(open_.pop())
    refinement = Refinement(record())
    open_ += [key for key in refinement.wanted() if key not in plan(spec)]
    planned = {*open_, *ended}
    while open_:
        key = open_.pop(order.randrange(len(open_)))
        ended.append(key)
        for row in made(key, loss(key)).epochs:
            refinement.epoch_done(key, row.metrics)
        wanted = refinement.run_ended(key, diverged=math.isinf(loss(key)))
        anew = set(Refinement(record()).wanted())
        assert set(wanted) - planned == anew - planned
        assert refinement.wanted() == Refinement(record()).wanted()
        open_ += [key for key in wanted if key not in planned]
        planned |= set(wanted)
    assert len(planned) > len(plan(spec)) or math.isinf(loss(ended[0]))
