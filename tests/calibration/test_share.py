"""The error of a share is what repeating everything, the pool too, would show."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from normlab.calibration.share import Share, share

RUNS, STUDIES = 40, 400


def pool_share(
    stream: np.random.Generator, effect_of_runs: float, size: int = 6
) -> Share:
    """Studies of one pool: the mean of some runs, and noise of their own, is too high.

    `effect_of_runs` is the part of the variance that the runs of the pool carry.
    """
    runs = stream.standard_normal(RUNS)
    members = [stream.permutation(RUNS)[:size] for _ in range(STUDIES)]
    own = stream.standard_normal(STUDIES)
    a = math.sqrt(effect_of_runs)
    means = np.array([runs[of].sum() / math.sqrt(size) for of in members])
    high = a * means + math.sqrt(1 - effect_of_runs) * own
    return share([bool(h > norm.ppf(0.95)) for h in high], members)


@pytest.mark.parametrize("effect_of_runs", [0.0, 0.5, 1.0])
def test_the_error_is_the_spread_over_new_pools(effect_of_runs: float) -> None:
    stream = np.random.default_rng(5)
    found = [pool_share(stream, effect_of_runs) for _ in range(80)]
    spread = float(np.std([s.rate for s in found], ddof=1))
    claimed = math.sqrt(np.mean([s.error**2 for s in found]))
    # a standard deviation of 80 values is known to 8 %; what leaving out adds by chance
    # is taken off again but never below 0, so the error is rather too large
    assert 0.84 * spread < claimed < 1.6 * spread


def test_a_share_of_studies_without_a_common_pool_is_binomial() -> None:
    members = [np.array([2 * i, 2 * i + 1]) for i in range(100)]
    found = share([i < 5 for i in range(100)], members)
    assert found.rate == 0.05 and found.wrong == 5 and found.of == 100
    assert found.error >= math.sqrt(0.05 * 0.95 / 100)


def test_five_percent_and_two_errors_are_good_and_more_is_not() -> None:
    error = math.sqrt(0.05 * 0.95 / 100)
    assert Share(9, 100, error).good  # 5 + 2 x 2.18 = 9.36
    assert not Share(10, 100, error).good


def test_of_no_studies_nothing_is_wrong() -> None:
    assert share([], []) == Share(0, 0, 0.0)
    assert share([], []).rate == 0.0
