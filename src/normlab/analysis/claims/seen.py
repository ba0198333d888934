"""What probes saw in both runs of a pair, made comparable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Omitted, Twins
from normlab.records.observed.contract import Arrays, Place, ProbeArrays
from normlab.records.observed.phases import LEAST, phases
from normlab.records.observed.rises import RiseArrays

P = TypeVar("P", bound=ProbeArrays)
A = TypeVar("A", bound=Arrays)


class Both(NamedTuple, Generic[P]):
    """What one probe kept of the baseline and of the other arm."""

    baseline: P
    other: P


def both(twins: Twins, kind: type[P], *needed: str) -> Both[P] | Omitted:
    """What a probe saw in both runs at the same moments, or why there is nothing.

    Args:
        twins: The runs.
        kind: What the probe keeps.
        needed: Arrays of it that older studies may lack.
    """
    if twins.diverged:
        return Omitted(twins.diverged)
    runs = (twins.baseline, twins.other)
    for run in runs:
        if kind not in run.observed:
            return Omitted(f"{kind.probe} {run.called} was not observed")
    found = Both(*(run.observed[kind] for run in runs))
    if any(of.lacks(name) for of in found for name in needed):
        return Omitted("recorded before this measure existed")
    if not np.array_equal(found.baseline.steps, found.other.steps):
        return Omitted(f"{kind.probe} was observed at different steps")
    return found


def by_phase(twins: Twins, seen: Both[P]) -> dict[str, NDArray[np.bool_]] | Omitted:
    """Which moments belong to each phase of training, by its name."""
    moments = seen.baseline.steps
    found = phases(moments.tolist(), twins.baseline.step_losses.size)
    if not found:
        return Omitted(f"fewer than {LEAST} moments")
    return {
        str(phase): (phase.first <= moments) & (moments <= phase.last)
        for phase in found
    }


def shared(baseline: Mapping[Place, A], other: Mapping[Place, A]) -> list[tuple[A, A]]:
    """The arrays of every place that both arms have: baseline's and other's.

    Places are matched by their path: arms may count them differently.
    """
    there = {place.path: arrays for place, arrays in other.items()}
    return [
        (arrays, there[place.path])
        for place, arrays in baseline.items()
        if place.path in there
    ]


def log_rise_ratio(twins: Twins, radius: float) -> float | None:
    """Mean log ratio of the rises of the loss around both ends.

    Over random directions and both sides; None where it was not measured.

    Args:
        twins: The other arm over the baseline.
        radius: In lengths of the weights' filters, one of those that were measured.
    """
    rises: list[NDArray[Any]] = []
    for run in (twins.other, twins.baseline):
        if RiseArrays not in run.observed:
            return None
        seen = run.observed[RiseArrays]
        rises.append(seen.rise[:, :, np.isclose(seen.radii, radius)])
    found = mean_log_ratio(*rises)
    return None if isinstance(found, Omitted) else found


def mean_log_ratio(
    other: NDArray[Any], baseline: NDArray[Any], *, floor: float = 0.0
) -> float | Omitted:
    """Logarithm of the geometric mean ratio of two lists of positive numbers.

    Args:
        other: Measured at the same moments as `baseline`.
        baseline: Both may have any shape.
        floor: What is smaller counts as that.

    Example:
        >>> mean_log_ratio(np.array([1.0, 16.0]), np.array([1.0, 4.0]))
        0.693147180559945...
    """
    pair = [np.maximum(a.astype(np.float64), floor) for a in (other, baseline)]
    usable = np.logical_and(*(np.isfinite(a) & (a > 0) for a in pair))
    if not usable.any():
        return Omitted("no moment at which both arms have a positive number")
    logs = [np.log(a[usable]) for a in pair]
    return float((logs[0] - logs[1]).mean())
