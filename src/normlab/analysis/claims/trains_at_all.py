"""Whether the network trains at all, or its loss stops being finite."""

from __future__ import annotations

from normlab.analysis.claims.definition import Definition, Twins


def trained_difference(twins: Twins) -> float:
    """1 if only the other arm came to its end, -1 if only the baseline, else 0."""
    came_to_end = [run.status != "diverged" for run in (twins.other, twins.baseline)]
    return float(came_to_end[0]) - float(came_to_end[1])


CLAIM = Definition(
    id="trains-at-all",
    statement="{arm} diverges less often than {baseline}",
    measure="difference of the share of runs whose loss stayed finite to the end",
    if_supported="broke down less often in training",
    if_contradicted="broke down more often in training",
    scale="difference",
    unit="share of runs",
    better="higher",
    margin=0.1,
    effect=trained_difference,
    test="mcnemar",
)
