"""Training is more stable: the step loss jumps less, compared at equal loss."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.analysis.claims.faster_convergence import (
    START,
    common_targets,
    smooth_losses,
)
from normlab.analysis.series.curves import LOSS_FLOOR, running_median
from normlab.records.rows import RunRecord

WINDOW = 51
BINS, STEPS = 8, 25
"""Of the loss; and in one of them, at least, of each arm."""
LEAST = 4  # bins in which both arms have so many


def log_noise_ratio(twins: Twins) -> float | Omitted:
    r"""Logarithm of the jumps of the other arm over those of the baseline.

    Of step losses $l_t$ the residuals are $r_t = \log l_t$ less its running median over
    51 steps. They are compared where both arms have the same loss, for the noise of a
    minibatch loss grows as the loss falls, so at equal steps the faster arm would lose:
    steps after 50 fall into 8 bins even in log loss, by the running median over 101
    steps, between the ends of the targets of faster-convergence.

    Returns:
        The mean over bins with 25 steps of each arm of the log ratio of the standard
        deviations of $r_t$.
    """
    baseline, other = smooth_losses(twins.baseline), smooth_losses(twins.other)
    targets = common_targets(baseline, other)
    if targets is None:
        return Omitted(
            f"no loss that both arms reach lies below half of step {START}'s"
        )
    edges = np.geomspace(targets[0], targets[-1], BINS + 1)
    jumps = [
        _jumps(run, smooth, edges)
        for run, smooth in ((twins.baseline, baseline), (twins.other, other))
    ]
    logs = [
        np.log(b.std(ddof=1) / a.std(ddof=1))
        for a, b in zip(*jumps, strict=True)
        if min(a.size, b.size) >= STEPS and np.ptp(a) > 0 < np.ptp(b)
    ]
    if len(logs) < LEAST:
        return Omitted(
            f"{len(logs)} of {BINS} bins of equal loss have {STEPS} steps of both "
            f"arms; it takes {LEAST}"
        )
    return float(np.mean(logs))


def _jumps(
    run: RunRecord, smooth: NDArray[np.float64], edges: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """The residuals after step 50, bin by bin; edges fall."""
    log_loss = np.log(np.maximum(run.step_losses.astype(np.float64), LOSS_FLOOR))
    residuals = (log_loss - running_median(log_loss, WINDOW))[START:]
    levels = smooth[START:]
    return [
        residuals[(levels <= high) & (levels > low)] for high, low in pairwise(edges)
    ]


CLAIM = Definition(
    id="steadier-training",
    statement="the loss jumps less from step to step {arm} than {baseline}",
    measure=(
        "ratio of the standard deviation of the log step loss around its running "
        f"median over {WINDOW} steps at equal loss, geometric mean over up to {BINS} "
        f"bins of the running median over 101 steps, each with {STEPS} steps or more"
    ),
    quantity="jumps of the loss",
    figure="learning-curves",
    scale="ratio",
    unit="standard deviation of log loss",
    better="lower",
    margin=1.05,
    effect=log_noise_ratio,
    formula=(
        r"\operatorname{mean}_{bins} \log "
        r"\frac{\operatorname{sd}(r)_{other}}{\operatorname{sd}(r)_{base}},\quad "
        r"r_t = \log \ell_t - \operatorname{median}_{51}(\log \ell)_t"
    ),
    papers=(
        "Madushanka 2024; comparing at equal loss: Jiang et al. 2020, arXiv 1912.02178"
    ),
    turns=(
        "comparing at equal steps: the noise of a minibatch's loss grows as the "
        "loss falls, so the faster arm looks less steady"
    ),
)
