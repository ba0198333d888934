"""Whether float32 holds what a network is to see of numbers of more digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.data.dataset import Part
from normlab.data.statistics import moments

_OFF = 2.0**-18  # of a standard deviation: rounding may move a number by as much
_CHUNK = 256  # examples


def narrowed(*parts: Part | None) -> tuple[Any, ...]:
    """The parts in float32, or all in float64 where that would lose digits.

    A time in seconds since 1970 that varies by a minute has 3 values left in float32:
    such numbers are kept, and rounded after mean and standard deviation are taken off.

    Args:
        parts: The training part first; None stays None.

    Example:
        >>> times = 1.7e9 + np.arange(10.0)[:, np.newaxis]
        >>> (kept,) = narrowed(Part(images=times, labels=np.arange(10) % 2))
        >>> kept.images.dtype
        dtype('float64')
    """
    there = [part for part in parts if part is not None]
    if all(part.images.dtype != np.float64 for part in there):
        return parts
    _, std = moments(there[0].images)
    lost = any(_moved(part.images, np.array(std)) for part in there)
    wanted = np.float64 if lost else np.float32
    return tuple(
        part and Part(images=part.images.astype(wanted), labels=part.labels)
        for part in parts
    )


def _moved(images: NDArray[Any], std: NDArray[np.float64]) -> bool:
    """Whether rounding to float32 moves a number by more than it may."""
    if images.dtype != np.float64:
        return False
    allowed = _OFF * std.reshape(-1, *(1 for _ in images.shape[2:]))
    for start in range(0, len(images), _CHUNK):
        piece = images[start : start + _CHUNK]
        with np.errstate(under="ignore"):
            off = np.abs(piece - piece.astype(np.float32))
        if (off > allowed).any():
            return True
    return False
