"""The chances of a verdict: against noncentral t, simulation and enumeration."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from scipy import stats

from normlab.analysis.inference.component import Component
from normlab.analysis.inference.holm import Others, holm
from normlab.analysis.inference.images import Images
from normlab.analysis.inference.power import chance, outlook, t_chance
from normlab.analysis.inference.spending import Budget

SPREAD = np.array([0.006, -0.002, 0.005, -0.001, 0.004])
SIMULATED = 20_000
ERROR = 4 * np.sqrt(0.25 / SIMULATED)  # four standard errors of a simulated share


@pytest.mark.parametrize("n", [3, 5, 12, 40])
@pytest.mark.parametrize("mean", [0.0, 0.4, 0.9])
@pytest.mark.parametrize("p", [0.05, 0.001])
def test_without_margin_and_images_it_is_the_noncentral_t(
    n: int, mean: float, p: float
) -> None:
    shift, reach = mean * np.sqrt(n), stats.t.isf(p / 2, n - 1)
    # so far below, scipy's own gives no number
    other_side = 0.0 if shift > 4 else stats.nct.cdf(-reach, n - 1, shift)
    exact = stats.nct.sf(reach, n - 1, shift) + other_side
    assert t_chance(mean, 1.0, n, p) == pytest.approx(exact, abs=0.004)


@pytest.mark.parametrize("equality", [True, False])
@pytest.mark.parametrize("images", [None, Images(0.02, 300)])
@pytest.mark.parametrize(("mean", "n"), [(0.1, 8), (0.5, 20), (0.0, 60)])
def test_it_is_the_share_of_simulated_studies_that_are_decided(
    mean: float, n: int, images: Images | None, equality: bool
) -> None:
    margin, p = 0.5, 0.01
    stream = np.random.default_rng(n)
    shared = np.sqrt(images.variance) if images else 0.0
    effects = stream.normal(mean, 1.0, (SIMULATED, n))
    effects += shared * stream.normal(size=(SIMULATED, 1))
    means, by_seeds = effects.mean(axis=1), effects.var(axis=1, ddof=1) / n
    errors = [(np.sqrt(by_seeds), np.full(SIMULATED, n - 1.0))]
    if images:
        v, m = images
        df = (by_seeds + v) ** 2 / (by_seeds**2 / (n - 1) + v**2 / (m - 1))
        errors.append((np.sqrt(by_seeds + v), df))

    def half(level: float) -> np.ndarray:
        return np.max([stats.t.isf(level / 2, df) * e for e, df in errors], axis=0)

    inside = np.abs(means) + half(0.10) <= margin
    beyond = np.abs(means) > half(p)
    decided = (beyond | inside) if equality else (beyond & ~inside)
    found = t_chance(mean, 1.0, n, p, images=images, margin=margin, equality=equality)
    assert found == pytest.approx(decided.mean(), abs=ERROR + 0.004)


@pytest.mark.parametrize("effects", [[1, 1, 0, 1, -1], [1, 1, 1], [0, 0, -1, 0]])
@pytest.mark.parametrize("pairs", [3, 6, 9, 13])
@pytest.mark.parametrize("others", [[], [0.3, 0.5]])
def test_of_an_exact_test_it_is_that_of_all_outcomes(
    effects: list[float], pairs: int, others: list[float]
) -> None:
    part = Component(effects=np.array(effects, float), test="sign")
    n = len(effects)
    above, below = (sum(e == side for e in effects) / n for side in (1, -1))
    whole = 0.0
    for up, down in product(range(pairs + 1), repeat=2):
        if not 0 < up + down <= pairs:
            continue
        weight = (
            comb(pairs, up)
            * comb(pairs - up, down)
            * above**up
            * below**down
            * (1 - above - below) ** (pairs - up - down)
        )
        p = stats.binomtest(up, up + down).pvalue
        whole += weight * (holm([p, *others])[0] < 0.05)
    assert chance(part, pairs, Others(others)) == pytest.approx(whole, abs=1e-9)


def test_pairs_that_seldom_differ_show_no_difference() -> None:
    rare = Component(effects=np.array([1.0] + [0.0] * 9), test="mcnemar", margin=0.25)
    unequal = np.arange(30)
    bound = stats.beta.ppf(0.95, unequal + 1, 30 - unequal)
    most = unequal[bound <= 0.25].max()
    few = stats.binom.cdf(most, 30, 0.1)
    both = [
        k
        for k in range(most + 1, 31)  # all of them on the one side
        if stats.binomtest(k, k).pvalue < 0.05
    ]
    exact = few + stats.binom.pmf(both, 30, 0.1).sum()
    assert chance(rare, 30, Others(())) == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("others", [[], [0.01], [0.001, 0.2, 0.2]])
@pytest.mark.parametrize("level", [Budget(), Budget(seeds=5, at_most=10)])
def test_the_threshold_is_where_holm_turns(others: list[float], level: Budget) -> None:
    turn = Others(others, level).threshold()
    for p, decides in ((turn * (1 - 1e-6), True), (turn * (1 + 1e-6), False)):
        assert (holm([p, *others])[0] < level.level) is decides


def test_the_number_is_the_first_with_that_chance() -> None:
    part, alone = Component(effects=SPREAD), Others(())
    found = outlook(part, alone)
    for more, wanted in zip(found, (0.5, 0.8), strict=True):
        assert more is not None
        assert chance(part, more, alone) >= wanted > chance(part, more - 1, alone)


def test_other_claims_make_it_longer() -> None:
    part = Component(effects=SPREAD)
    alone, among = (outlook(part, Others(ps)) for ps in ((), [0.4] * 8))
    assert alone.even and among.even and alone.even < among.even


def test_declared_seeds_join_those_there_are() -> None:
    part = Component(effects=SPREAD)
    fresh = outlook(part, Others((), Budget(seeds=5, at_most=5)))
    joined = outlook(part, Others((), Budget(seeds=5, at_most=40)))
    assert fresh.likely and joined.likely
    at = 5 + joined.likely
    level = 2 * stats.norm.sf(1.959964 * np.sqrt(40 / at))
    level -= 2 * stats.norm.sf(1.959964 * np.sqrt(40 / 5))
    mean, sd = SPREAD.mean(), SPREAD.std(ddof=1)
    assert t_chance(mean, sd, at, level) >= 0.8 > t_chance(mean, sd, at - 1, level)


def test_beyond_what_was_declared_new_seeds_are_by_themselves() -> None:
    # an effect so small that the eight declared seeds decide nothing
    part = Component(effects=SPREAD - SPREAD.mean() + 0.001)
    found = outlook(part, Others((), Budget(seeds=5, at_most=8)))
    alone = outlook(part, Others(()))
    assert alone.even and found.even == 3 + alone.even


def test_beyond_a_thousand_it_gives_up() -> None:
    # at the margin itself neither test nor equivalence comes near
    lost = Component(effects=np.array([0.1, -0.098, 0.1, -0.098]), margin=0.001)
    assert outlook(lost, Others(())) == (None, None)
