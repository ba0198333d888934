"""The path to the minimum is more direct, in what the network says."""

from __future__ import annotations

import math

import numpy as np

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.seen import both
from normlab.records.observed.outputs import OutputArrays
from normlab.records.rows import RunRecord

LEAST = 3  # moments: with two, every path is straight


def path_efficiency(seen: OutputArrays, run: RunRecord) -> float | None:
    r"""Net distance over summed distance in the first epoch, between 0 and 1.

    Distances are Euclidean between square roots of the softmax outputs for the
    probe batch, so no parametrisation of the network enters.

    Returns:
        None for fewer than 3 moments or a network that says the same throughout.
    """
    steps = run.step_losses.size // max(len(run.epochs), 1)
    early = seen.steps <= steps
    if early.sum() < LEAST:
        return None
    points = np.sqrt(seen.probabilities[early].astype(np.float64))
    points = points.reshape(len(points), -1)
    walked = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    net = float(np.linalg.norm(points[-1] - points[0]))
    return net / walked if walked > 0 and net > 0 else None


def log_efficiency_ratio(twins: Twins) -> float | Omitted:
    """Logarithm of the efficiency of the other arm over that of the baseline."""
    seen = both(twins, OutputArrays)
    if isinstance(seen, Omitted):
        return seen
    other = path_efficiency(seen.other, twins.other)
    baseline = path_efficiency(seen.baseline, twins.baseline)
    if other is None or baseline is None:
        return Omitted(f"fewer than {LEAST} moments of epoch 1, or nothing moved")
    return math.log(other / baseline)


CLAIM = Definition(
    id="straighter-path",
    statement="{arm} takes a straighter path than {baseline}",
    measure=(
        "ratio of path efficiency in epoch 1, net distance over summed distance "
        "between the square roots of the softmax outputs for the same images"
    ),
    if_supported="took a more direct path",
    if_contradicted="took a less direct path to its end",
    quantity="straightness",
    scale="ratio",
    unit="net distance over summed distance",
    better="higher",
    margin=1.05,
    effect=log_efficiency_ratio,
    probe="outputs",
)
