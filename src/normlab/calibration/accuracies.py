"""Whether the interval of an accuracy covers: simulated from known components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.inference.component import Component
from normlab.analysis.inference.images import Images, image_variance

ADDRESS = int.from_bytes(b"accuracies", "big")
SIZES = tuple((m, n) for m in (10_000, 1_000, 100) for n in (3, 5, 10))
"""Test images and seeds."""
HARD = 0.15  # share of images on which seeds and arms differ at all
LUCK = 0.02  # standard deviation over seeds, of the chance to be right on a hard one


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Simulated studies of one size, and how many intervals cover the truth."""

    images: int
    seeds: int
    studies: int
    intervals: int
    covered: int

    @property
    def share(self) -> float:
        """Of the intervals, those that cover."""
        return self.covered / max(self.intervals, 1)


def coverage(images: int, seeds: int, studies: int) -> Coverage:
    """How often the interval that decides covers a true difference of 0.

    Of the population of images a share is hard. Each of these has a chance to be got
    right for either arm, drawn alike for both, so that images favour one arm or the
    other but all of them neither; each seed adds its own luck to either arm. A study
    draws images and seeds anew, and runs are right or wrong at random by these chances.

    Args:
        images: In the test part.
        seeds: Of each study.
        studies: How many.
    """
    stream = np.random.default_rng([ADDRESS, images, seeds])
    intervals = covered = 0
    for _ in range(studies):
        baseline, other = _runs(stream, images, seeds)
        effects = other.mean(axis=1) - baseline.mean(axis=1)
        variance = image_variance(list(baseline), list(other))
        part = Component(effects=effects, images=Images(variance, images))
        ends = part.decides().interval
        intervals += ends is not None
        covered += ends is not None and ends[0] <= 0 <= ends[1]
    return Coverage(
        images=images,
        seeds=seeds,
        studies=studies,
        intervals=intervals,
        covered=int(covered),
    )


def _runs(
    stream: np.random.Generator, images: int, seeds: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which images each run of either arm gets right, shape `(seeds, images)`."""
    hard = stream.random(images) < HARD
    arms: list[NDArray[np.bool_]] = []
    for _ in range(2):
        chance = np.where(hard, stream.beta(2, 1, images), 1.0)
        luck = LUCK * stream.normal(size=(seeds, 1))
        right = stream.random((seeds, images), dtype=np.float32) < chance + luck * hard
        arms.append(right)
    return arms[0], arms[1]
