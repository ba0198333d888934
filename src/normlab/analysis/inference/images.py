"""How far an accuracy difference depends on the test images, beside the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Images(NamedTuple):
    """What the test images add to the uncertainty of a mean difference."""

    variance: float
    """Of the mean difference, and stays however many seeds there are."""
    number: int


def image_variance(
    baseline: Sequence[NDArray[np.bool_]], other: Sequence[NDArray[np.bool_]]
) -> float:
    r"""The part of the mean difference's variance that more seeds cannot remove.

    The variance over images of the mean over seeds, less what the seeds' own scatter
    adds to it, divided by the number of images:
    $(\operatorname{var}_i \bar d_i - \overline{\operatorname{var}_s d_{si}} / n) / m$.

    Args:
        baseline: Per seed, which test images were right, shape `(images,)`.
        other: The same for the other arm.

    Returns:
        A squared fraction, not below 0.
    """
    # a thousand seeds on ten thousand images: bytes, not words
    return variance_over_images(
        np.stack(other).view(np.int8) - np.stack(baseline).view(np.int8)
    )


def variance_over_images(difference: NDArray[np.generic]) -> float:
    """The same of what each image gives in each seed, shape `(seeds, images)`."""
    seeds, images = difference.shape
    over_images = difference.mean(axis=0).var(ddof=1)
    scatter = difference.var(axis=0, ddof=1).mean() / seeds
    return max(0.0, float(over_images - scatter) / images)
