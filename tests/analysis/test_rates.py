from __future__ import annotations

import math
from dataclasses import replace

import pytest

from normlab.analysis.analyse import analyse, judge_all
from normlab.analysis.design.rates import choice_seeds, choices, claim_seeds
from normlab.analysis.inference.holm import holm
from normlab.analysis.text.summary import to_json
from normlab.records.rows import StudyRecord
from normlab.spec.plan import RunKey
from normlab.spec.settings import with_settings
from tests.analysis.studies import changed
from tests.analysis.sweeps import best, made, over_rates, rates_spec, valley

LOWEST = {"none": 0.01, "batch": 0.1}
RATES = (0.01, 0.1, 1.0)


@pytest.mark.parametrize("seeds", range(1, 20))
def test_no_seed_both_chooses_and_claims(seeds: int) -> None:
    chosen, claimed = choice_seeds(range(seeds)), claim_seeds(range(seeds))
    assert chosen
    assert (*chosen, *claimed) == tuple(range(seeds))
    assert seeds < 3 or len(claimed) >= 2 * len(chosen)


def test_each_arm_has_its_own_best_rate() -> None:
    record = over_rates(rates_spec(*RATES), valley(LOWEST))
    assert [(c.arm, c.rate) for c in choices(record)] == [
        ("none", 0.01),
        ("batch", 0.1),
    ]


def test_only_the_choice_seeds_choose() -> None:
    spec = rates_spec(*RATES, seeds=6)
    usual, other = valley(LOWEST), valley({"none": 1.0, "batch": 1.0})
    record = over_rates(spec, lambda k: usual(k) if k.seed < 2 else other(k))
    assert [choice.rate for choice in choices(record)] == [0.01, 0.1]


def test_a_rate_at_which_a_choice_seed_diverged_is_not_chosen() -> None:
    record = over_rates(rates_spec(*RATES), valley(LOWEST))
    lost = RunKey("batch", 0.1, 0)
    record = changed(record, lost, status="diverged")
    assert best(record, "batch").rate == 1.0 or best(record, "batch").rate == 0.01
    assert best(record, "batch").rate != 0.1


def test_nothing_is_chosen_before_every_rate_has_ended() -> None:
    record = over_rates(rates_spec(*RATES), valley(LOWEST))
    record = changed(record, RunKey("batch", 1.0, 0), status="running")
    assert math.isnan(best(record, "batch").rate)
    assert best(record, "batch").because == "no rate with batch norm is chosen yet"
    claims = [claim for claim in judge_all(record) if claim.compared == "own-best"]
    assert {claim.verdict for claim in claims} == {"not-enough-seeds"}
    assert all(
        "no rate with batch norm is chosen yet" in claim.note for claim in claims
    )


def test_an_arm_that_always_diverges_has_no_best_rate() -> None:
    record = over_rates(rates_spec(*RATES), lambda key: math.inf)
    assert (
        best(record, "none").because
        == "training without batch norm diverged at every rate"
    )


def test_without_held_out_images_nothing_is_compared_at_own_best() -> None:
    spec = with_settings(rates_spec(*RATES), ["data.validation=0"])
    record = over_rates(spec, valley(LOWEST))
    assert choices(record) == ()
    assert {claim.compared for claim in judge_all(record)} == {"same-rate", "all-rates"}


def test_claims_at_own_best_are_made_from_the_other_seeds_at_both_rates() -> None:
    record = over_rates(rates_spec(*RATES, seeds=4), valley(LOWEST))
    accuracy = {"none": 0.9, "batch": 0.95}
    runs = tuple(
        made(
            r.key,
            valley(LOWEST)(r.key),
            accuracy=accuracy[r.key.arm] + r.key.rate / 100,
        )
        for r in record.runs
    )
    claims = judge_all(replace(record, runs=runs))
    (claim,) = [
        c for c in claims if c.compared == "own-best" and c.id == "better-accuracy"
    ]
    assert [effect.seed for effect in claim.effects] == [1, 2, 3]
    assert claim.estimate == pytest.approx(0.95 + 0.001 - 0.9 - 0.0001)
    assert (claim.rate, claim.baseline_rate) == (0.1, 0.01)
    assert "chosen by" not in claim.note
    assert analyse(replace(record, runs=runs)).remarks[-1] == (
        "own best rates, chosen by seed 0 on images held out of the training part: "
        "without batch norm 0.01, with batch norm 0.1"
    )


def test_every_point_is_measured_and_the_change_along_them_is_the_family() -> None:
    spec = rates_spec(*RATES, sweep={"recipe.batch_size": [8, 64]})
    record = over_rates(spec, lambda k: valley(LOWEST)(k) + 0.001 * k.seed)
    analysis = analyse(record)
    ids = ("better-accuracy", "wider-learning-rates")
    kinds = [(c.compared, c.rate, c.point) for c in analysis.claims if c.id in ids]
    for point in spec.sweep.points:
        assert kinds.count(("own-best", 0.1, point)) == 1
        assert sum(k[0] == "all-rates" and k[2] == point for k in kinds) == 1
        assert sum(k[0] == "same-rate" and k[2] == point for k in kinds) == 3
    judged = [c for c in analysis.claims if c.verdict != "description"]
    assert {c.compared for c in judged} == {"over-sweep"}
    assert all(c.p_holm is None for c in analysis.claims if c not in judged)
    assert len(analysis.arms) == 12
    assert {arm.point for arm in analysis.arms} == set(spec.sweep.points)


def test_json_has_points_only_in_a_sweep() -> None:
    swept = rates_spec(0.01, seeds=1, sweep={"recipe.batch_size": [8, 64]})
    record = over_rates(swept, valley(LOWEST))
    whole = to_json(record, analyse(record))
    assert whole["runs"][0]["point"] == {"recipe.batch_size": 8}
    assert whole["claims"][0]["point"] == {"recipe.batch_size": 8}
    assert "rate" not in whole["claims"][0]
    record = over_rates(rates_spec(*RATES), valley(LOWEST))
    whole = to_json(record, analyse(record))
    assert "point" not in whole["runs"][0]
    assert {c["compared"] for c in whole["claims"]} == {
        "same-rate",
        "own-best",
        "all-rates",
    }


def test_what_is_said_of_every_rate_takes_nothing_from_the_fair_comparison() -> None:
    """The family is that of own best rates and of all of them, however many."""
    few, many = (
        judge_all(accurate(over_rates(rates_spec(*rates, seeds=9), scattered)))
        for rates in (RATES, (*RATES, 0.02, 0.05, 0.3))
    )
    for claims in (few, many):
        judged = [claim for claim in claims if claim.verdict != "description"]
        assert {claim.compared for claim in judged} == {"own-best", "all-rates"}
        tested = [claim for claim in judged if claim.p is not None]
        corrected = holm([claim.p for claim in tested if claim.p is not None])
        assert [claim.p_holm for claim in tested] == pytest.approx(corrected)
        described = [claim for claim in claims if claim.verdict == "description"]
        assert {claim.compared for claim in described} == {"same-rate"}
        assert {claim.p_holm for claim in described} == {None}
        assert any(claim.p is not None and claim.interval for claim in described)


def accurate(record: StudyRecord) -> StudyRecord:
    """Accuracies that follow the losses."""
    runs = (replace(r, test_accuracy=1 - scattered(r.key) / 5) for r in record.runs)
    return replace(record, runs=tuple(runs))


def scattered(key: RunKey) -> float:
    """A loss with a lowest rate, and seeds that differ."""
    lowest = {"none": 0.01, "batch": 0.1}[key.arm]
    gain = 0.01 * ((7 * key.seed) % 5) * (key.arm == "batch")
    return 0.1 + abs(math.log10(key.rate / lowest)) + gain


def is_lost(key: RunKey) -> bool:
    return key.arm == "none" and key.rate == max(RATES)


def test_a_named_experiment_judges_what_it_states_of_equal_rates() -> None:
    spec = rates_spec(*RATES, seeds=6).model_copy(
        update={"experiment": "learning-rates"}
    )
    claims = judge_all(
        over_rates(spec, lambda key: math.inf if is_lost(key) else scattered(key))
    )
    same = {c.id for c in claims if c.compared == "same-rate" and c.verdict in JUDGED}
    assert same == {"trains-at-all"}


JUDGED = ("inconclusive", "no-difference", "not-enough-seeds", "supported")
