from __future__ import annotations

import math

import pytest

from normlab.analysis.analyse import judge_all
from normlab.analysis.claims.wider_learning_rates import largest_rate
from normlab.spec.plan import RunKey
from tests.analysis.sweeps import made, over_rates, rates_spec

LADDERS = [
    ([0.5, 0.1, 0.15], 1.0),
    ([0.5, 0.1, 0.2], 0.1),
    ([0.5, 0.1, math.inf], 0.1),
    ([0.1, math.inf, 0.15], 1.0),
    ([0.0, 0.0, 0.1], 0.1),
    ([math.inf] * 3, None),
]


@pytest.mark.parametrize(("losses", "largest"), LADDERS)
def test_the_largest_rate_is_the_last_that_trains(
    losses: list[float], largest: float | None
) -> None:
    keys = [RunKey("none", rate, 0) for rate in (0.01, 0.1, 1.0)]
    runs = [made(key, loss) for key, loss in zip(keys, losses, strict=True)]
    assert largest_rate(runs) == largest


AT_CHANCE = math.log(10)


@pytest.mark.parametrize(
    ("losses", "classes", "largest"),
    [
        ([AT_CHANCE] * 3, 10, None),
        ([1.2, AT_CHANCE, AT_CHANCE], 10, 0.01),
        ([1.2, 2.05, AT_CHANCE], 10, 0.1),
        ([1.2, 2.08, AT_CHANCE], 10, 0.01),
        ([AT_CHANCE] * 3, None, 1.0),
    ],
)
def test_a_network_at_chance_has_not_trained(
    losses: list[float], classes: int | None, largest: float | None
) -> None:
    keys = [RunKey("none", rate, 0) for rate in (0.01, 0.1, 1.0)]
    runs = [made(key, loss) for key, loss in zip(keys, losses, strict=True)]
    assert largest_rate(runs, classes) == largest


def test_an_arm_that_never_trained_has_no_range() -> None:
    def loss(key: RunKey) -> float:
        return AT_CHANCE if key.arm == "none" else 0.1

    record = over_rates(rates_spec(0.01, 0.1, 1.0), loss)
    (claim,) = [c for c in judge_all(record) if c.id == "wider-learning-rates"]
    assert claim.effects == ()
    assert "none never trained" in claim.note


def test_equal_steps_of_the_grid_are_shown_without_a_test() -> None:
    def loss(key: RunKey) -> float:
        return 0.1 if key.rate <= {"none": 0.1, "batch": 1.0}[key.arm] else math.inf

    record = over_rates(rates_spec(0.01, 0.1, 1.0), loss)
    (claim,) = [c for c in judge_all(record) if c.id == "wider-learning-rates"]
    assert claim.p is None
    assert claim.estimate == pytest.approx(10.0)
    assert "equal steps from every seed are shown without a test" in str(claim)


def test_a_wider_range_from_most_seeds_supports_the_claim() -> None:
    def loss(key: RunKey) -> float:
        limit = {"none": 0.1, "batch": 1.0 if key.seed else 10.0}[key.arm]
        return 0.1 if key.rate <= limit else math.inf

    record = over_rates(rates_spec(0.01, 0.1, 1.0, 10.0, seeds=6), loss)
    (claim,) = [c for c in judge_all(record) if c.id == "wider-learning-rates"]
    assert [effect.value for effect in claim.effects] == pytest.approx(
        [100.0] + [10.0] * 5
    )
    assert claim.compared == "all-rates"
    assert claim.where == "over all lr"


def test_one_rate_makes_no_such_claim() -> None:
    record = over_rates(rates_spec(0.01), lambda key: 0.1)
    assert "wider-learning-rates" not in [claim.id for claim in judge_all(record)]
