"""What probes saw in both runs of a pair, made comparable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Omitted, Twins

Arrays = Mapping[str, NDArray[Any]]


class Both(NamedTuple):
    """The arrays of one probe, of the baseline and of the other arm."""

    baseline: Arrays
    other: Arrays


def both(twins: Twins, probe: str) -> Both | Omitted:
    """What a probe saw in both runs at the same moments, or why there is nothing."""
    if twins.diverged:
        return Omitted(twins.diverged)
    runs = (twins.baseline, twins.other)
    for run in runs:
        if probe not in run.observed:
            return Omitted(f"{probe} of {run.key.arm} was not observed")
    found = Both(*(run.observed[probe] for run in runs))
    if not np.array_equal(found.baseline["steps"], found.other["steps"]):
        return Omitted(f"{probe} was observed at different steps")
    return found


def shared_places(arrays: Both, what: str) -> list[tuple[str, str]]:
    """Keys of `what` at every place that both arms have: baseline's and other's.

    Places are matched by module path: arms may count them differently.

    Example:
        >>> arms = Both({"000:relu1:dead": 0}, {"001:relu1:dead": 0})
        >>> shared_places(arms, "dead")
        [('000:relu1:dead', '001:relu1:dead')]
    """
    baseline, other = ({_path(k): k for k in arm if _what(k) == what} for arm in arrays)
    return [(baseline[path], other[path]) for path in baseline if path in other]


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


def _path(key: str) -> str:
    return key.partition(":")[2].rpartition(":")[0]


def _what(key: str) -> str:
    return key.rpartition(":")[2]
