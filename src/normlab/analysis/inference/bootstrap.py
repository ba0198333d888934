"""How far an accuracy difference depends on the test images, beside the seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Redrawn studies per interval; its ends then move by about 1.5 % of its width.
REDRAWN = 2000
CELLS = 2**20  # draws x kinds of images at once, so that memory stays small
# The interval must be the same whenever the same records are analysed.
ADDRESS = int.from_bytes(b"images x seeds", "big")


def resampled_differences(
    baseline: Sequence[NDArray[np.bool_]], other: Sequence[NDArray[np.bool_]]
) -> NDArray[np.float64]:
    r"""Accuracy differences of studies with seeds and images drawn anew.

    Seeds and images are crossed: every seed sees every image. So both are drawn with
    replacement and independently, and a resampled study's difference is
    $\sum_{s,i} w_s v_i d_{si}$ with the shares $w$, $v$ in which seeds and images
    were drawn and $d_{si} \in \{-1, 0, 1\}$. This covers both sources of chance, on
    the cautious side.

    Args:
        baseline: Per seed, which test images were right, shape `(images,)`.
        other: The same for the other arm.

    Returns:
        Fractions, shape `(REDRAWN,)`; always the same for the same input.

    Source: Owen 2007, The pigeonhole bootstrap, Annals of Applied Statistics 1(2).
    """
    stream = np.random.default_rng(ADDRESS)
    difference = _per_image(baseline, other)
    seeds, images = difference.shape
    # Most images are right from every seed in both arms: one kind, kept apart.
    unequal = difference[:, difference.any(axis=0)]
    if unequal.size == 0:
        return np.zeros(REDRAWN)
    kinds, counts = np.unique(unequal, axis=1, return_counts=True)
    draws = stream.multinomial(seeds, np.full(seeds, 1 / seeds), size=REDRAWN)
    worth = np.arange(-seeds, seeds + 1)  # what an image can add, given the seeds
    resampled: list[NDArray[np.float64]] = []
    for some in np.array_split(draws, 1 + REDRAWN * counts.size // CELLS):
        shares = _shares(some, kinds, counts / images)
        shares[:, seeds] += 1 - unequal.shape[1] / images
        # rounding must not leave a sum above 1
        shares /= shares.sum(axis=1, keepdims=True)
        resampled.append(stream.multinomial(images, shares) @ worth / (seeds * images))
    return np.concatenate(resampled)


def _shares(
    draws: NDArray[np.int64], kinds: NDArray[np.int8], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Per drawn set of seeds, the share of images worth -seeds ... seeds."""
    seeds = kinds.shape[0]
    width = 2 * seeds + 1
    # float64 for the fast matrix product; the whole numbers stay exact
    worth = draws.astype(np.float64) @ kinds.astype(np.float64)
    cells = worth.astype(np.int64) + seeds + width * np.arange(len(draws))[:, None]
    weights = np.broadcast_to(shares, cells.shape).ravel()
    histogram = np.bincount(cells.ravel(), weights, minlength=width * len(draws))
    return histogram.astype(np.float64).reshape(len(draws), width)


def percentile_interval(
    resampled: NDArray[np.float64], confidence: float
) -> tuple[float, float]:
    """The middle share of the resampled values."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


def image_variance(
    baseline: Sequence[NDArray[np.bool_]], other: Sequence[NDArray[np.bool_]]
) -> float:
    r"""The part of the mean difference's variance that more seeds cannot remove.

    The variance over images of the mean over seeds, less what the seeds' own scatter
    adds to it, divided by the number of images:
    $(\operatorname{var}_i \bar d_i - \overline{\operatorname{var}_s d_{si}} / n) / m$.

    Returns:
        A squared fraction, not below 0.
    """
    difference = _per_image(baseline, other)
    seeds, images = difference.shape
    over_images = difference.mean(axis=0).var(ddof=1)
    scatter = difference.var(axis=0, ddof=1).mean() / seeds
    return max(0.0, float(over_images - scatter) / images)


def _per_image(
    baseline: Sequence[NDArray[np.bool_]], other: Sequence[NDArray[np.bool_]]
) -> NDArray[np.int8]:
    """What each image adds to each seed's difference: -1, 0 or 1, (seeds, images)."""
    # a thousand seeds on ten thousand images: bytes, not words
    return np.stack(other).view(np.int8) - np.stack(baseline).view(np.int8)
