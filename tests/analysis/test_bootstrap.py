from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from normlab.analysis.inference.bootstrap import (
    image_variance,
    percentile_interval,
    resampled_differences,
)

Pair = tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]


def invented(seeds: int, images: int, gain: float = 0.02) -> Pair:
    stream = np.random.default_rng(5)
    ease = stream.uniform(0.7, 1.0, size=images)
    baseline = [stream.random(images) < ease for _ in range(seeds)]
    other = [stream.random(images) < ease + gain for _ in range(seeds)]
    return baseline, other


def by_loop(pair: Pair, resampled: int) -> NDArray[np.float64]:
    stream = np.random.default_rng(11)
    difference = np.stack(pair[1]).astype(float) - np.stack(pair[0])
    seeds, images = difference.shape
    means: list[float] = []
    for _ in range(resampled):
        rows = stream.integers(seeds, size=seeds)
        columns = stream.integers(images, size=images)
        means.append(float(difference[np.ix_(rows, columns)].mean()))
    return np.array(means)


@pytest.mark.parametrize("seeds", [3, 7])
def test_it_draws_what_a_loop_over_seeds_and_images_draws(seeds: int) -> None:
    pair = invented(seeds, 300)
    fast, slow = resampled_differences(*pair), by_loop(pair, 2000)
    # standard errors of mean and deviation over 2,000 draws: 2.2 % and 1.6 %, times 4
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.13 * slow.std())
    assert fast.std() == pytest.approx(slow.std(), rel=0.09)


def test_seeds_that_agree_leave_the_binomial_variance_of_the_images() -> None:
    baseline, other = invented(1, 1000)
    pair = baseline * 4, other * 4
    d = other[0].astype(float) - baseline[0]
    expected = d.std() / np.sqrt(d.size)
    assert resampled_differences(*pair).std() == pytest.approx(expected, rel=0.07)
    assert image_variance(*pair) == pytest.approx(expected**2, rel=0.01)


def test_arms_that_are_equal_on_every_image_never_differ() -> None:
    baseline, _ = invented(3, 100)
    assert not resampled_differences(baseline, baseline).any()
    assert image_variance(baseline, baseline) == 0


def test_scatter_of_the_seeds_alone_is_not_taken_for_the_images() -> None:
    stream = np.random.default_rng(3)
    halves = [[stream.random(20_000) < 0.5 for _ in range(20)] for _ in range(2)]
    by_images = image_variance(*halves)
    # one seed's difference has variance 0.5 per image; none of it is the image's own
    assert by_images < 0.05 * 0.5 / 20_000


def test_the_same_records_give_the_same_interval() -> None:
    pair = invented(4, 200)
    first, second = resampled_differences(*pair), resampled_differences(*pair)
    assert np.array_equal(first, second)


def test_the_interval_holds_the_stated_share() -> None:
    values = np.arange(1001.0)
    assert percentile_interval(values, 0.9) == pytest.approx((50, 950))
