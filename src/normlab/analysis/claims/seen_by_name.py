"""As `seen`, of probes whose arrays are still read by their names."""

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


def _path(key: str) -> str:
    return key.partition(":")[2].rpartition(":")[0]


def _what(key: str) -> str:
    return key.rpartition(":")[2]
