"""The path to the minimum is more direct, in what the network says."""

from __future__ import annotations

import numpy as np

from normlab.analysis.claims.definition import (
    Definition,
    Omitted,
    Second,
    Twins,
)
from normlab.analysis.claims.seen import Both, both, mean_log_ratio
from normlab.records.observed.outputs import OutputArrays

LEAST = 5  # bursts


def log_straightness_ratio(twins: Twins) -> float | Omitted:
    """Mean over bursts of log(straightness of the other arm / of the baseline).

    Straightness is net over summed distance, Euclidean between square roots of the
    softmax outputs for the same images: no parametrisation of the network enters.
    """
    seen = _followed(twins)
    if isinstance(seen, Omitted):
        return seen
    baseline, other = (_straightness(of) for of in seen)
    return mean_log_ratio(other, baseline)


def log_ratio_from_afar(every: int) -> Second:
    """The same over epoch 1 for who looks at every so manyth step."""

    def log_ratio(twins: Twins, log_straightness: float) -> float | Omitted:
        del log_straightness
        seen = _followed(twins)
        if isinstance(seen, Omitted):
            return seen
        baseline, other = (_from_afar(of, every) for of in seen)
        return mean_log_ratio(other, baseline)

    estimated = "every step (estimated from the bursts)"
    named = estimated if every == 1 else f"every {every} steps"
    return Second(f"epoch 1, looked at {named}", log_ratio)


def log_cosine_ratio(twins: Twins, log_straightness: float) -> float | None:
    """Of the mean cosines of a step with the rest of the way, if both are positive."""
    del log_straightness
    seen = _followed(twins)
    if isinstance(seen, Omitted):
        return None
    baseline, other = (np.mean(of.burst_cosine) for of in seen)
    return float(np.log(other / baseline)) if min(baseline, other) > 0 else None


def _followed(twins: Twins) -> Both[OutputArrays] | Omitted:
    seen = both(twins, OutputArrays, "burst_steps", "strides")
    if isinstance(seen, Omitted):
        return seen
    if min(of.burst_steps.size for of in seen) < LEAST:
        return Omitted(
            f"epoch 1 has room for fewer than {LEAST} bursts: it takes 100 steps"
        )
    return seen


def _straightness(seen: OutputArrays) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return seen.burst_net / seen.burst_sum


def _from_afar(seen: OutputArrays, every: int) -> np.ndarray:
    at = seen.strides == every
    with np.errstate(divide="ignore", invalid="ignore"):
        return seen.stride_net[at] / seen.stride_sum[at]


_EVERY_20 = log_ratio_from_afar(20)

CLAIM = Definition(
    id="straighter-path",
    statement="training takes a straighter path {arm} than {baseline}",
    measure=(
        "ratio of net over summed distance between the square roots of the softmax "
        "outputs for the same images, in bursts of ten successive steps of epoch 1; "
        "geometric mean over bursts"
    ),
    quantity="straightness",
    figure="straightness",
    scale="ratio",
    unit="net distance over summed distance",
    better="higher",
    margin=1.05,
    effect=log_straightness_ratio,
    probe="outputs",
    words=("straighter", "less straight"),
    veto=_EVERY_20,
    beside=(
        log_ratio_from_afar(1),
        _EVERY_20,
        log_ratio_from_afar(100),
        Second("cosine of a step with the rest of the way", log_cosine_ratio),
    ),
    caveat="how straight a path is depends on how often it is looked at",
    formula=(
        r"\operatorname{mean}_{bursts} \log \frac{E_{other}}{E_{base}},\quad E = "
        r"\frac{\lVert f_{10} - f_0 \rVert}{\sum_t \lVert f_{t+1} - f_t \rVert},\ "
        r"f = \sqrt{\operatorname{softmax}}"
    ),
    papers="Madushanka 2024",
    turns=(
        "how often the path is looked at: what zigzags from step to step may look "
        "straight from afar"
    ),
)
