from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from normlab.analysis.inference.images import image_variance

Pair = tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]


def invented(seeds: int, images: int, gain: float = 0.02) -> Pair:
    stream = np.random.default_rng(5)
    ease = stream.uniform(0.7, 1.0, size=images)
    baseline = [stream.random(images) < ease for _ in range(seeds)]
    other = [stream.random(images) < ease + gain for _ in range(seeds)]
    return baseline, other


def test_seeds_that_agree_leave_the_binomial_variance_of_the_images() -> None:
    baseline, other = invented(1, 1000)
    pair = baseline * 4, other * 4
    d = other[0].astype(float) - baseline[0]
    expected = d.std() / np.sqrt(d.size)
    assert image_variance(*pair) == pytest.approx(expected**2, rel=0.01)


def test_arms_that_are_equal_on_every_image_never_differ() -> None:
    baseline, _ = invented(3, 100)
    assert image_variance(baseline, baseline) == 0


def test_scatter_of_the_seeds_alone_is_not_taken_for_the_images() -> None:
    stream = np.random.default_rng(3)
    halves = [[stream.random(20_000) < 0.5 for _ in range(20)] for _ in range(2)]
    by_images = image_variance(*halves)
    # one seed's difference has variance 0.5 per image; none of it is the image's own
    assert by_images < 0.05 * 0.5 / 20_000
