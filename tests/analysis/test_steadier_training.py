from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from normlab.analysis.analyse import judge_all
from normlab.analysis.claims.definition import Omitted, Twins
from normlab.analysis.claims.steadier_training import log_noise_ratio
from normlab.records.rows import RunRecord
from normlab.spec.plan import RunKey

from .studies import run, study

KEY = RunKey("none", 0.01, 0)
Losses = NDArray[np.float64]


def noisy(seed: int, *, noise: float = 1.0, pace: float = 1.0) -> RunRecord:
    """A loss from 2 to 0.03 whose jumps grow fourfold as it falls, as real ones do."""
    stream = np.random.default_rng([7, seed])
    level = 2.2 / (1 + np.arange(1, 4001) * pace / 60)
    jumps = noise * 0.2 * (level / 2.2) ** -0.35
    losses = level * np.exp(jumps * stream.normal(size=level.size))
    return replace(run(KEY), step_losses=losses.astype(np.float32))


def at_pace(made: RunRecord, pace: float) -> RunRecord:
    """The same run as if its steps went so much faster."""
    steps = np.round(np.arange(1, made.step_losses.size + 1) / pace).astype(int)
    return replace(
        made, step_losses=made.step_losses[steps[steps <= made.step_losses.size] - 1]
    )


def effect(baseline: RunRecord, other: RunRecord) -> float | Omitted:
    return log_noise_ratio(Twins(seed=0, baseline=baseline, other=other))


def median(values: Losses, window: int) -> Losses:
    half = window // 2
    return np.array(
        [np.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))]
    )


def slowly(baseline: Losses, other: Losses) -> float | None:
    """The definition once more, step by step and bin by bin; None: omitted."""
    smooth = [median(losses, 101) for losses in (baseline, other)]
    first = 0.5 * min(smooth[0][49], smooth[1][49])
    last = 1.1 * max(smooth[0][-1], smooth[1][-1])
    if first <= last:
        return None
    width = (math.log(first) - math.log(last)) / 8
    found: list[dict[int, list[float]]] = []
    for losses, level in zip((baseline, other), smooth, strict=True):
        logs = np.log(losses)
        residuals = logs - median(logs, 51)
        bins: dict[int, list[float]] = {}
        for step in range(51, len(losses) + 1):
            if last < level[step - 1] <= first:
                place = int((math.log(first) - math.log(level[step - 1])) // width)
                bins.setdefault(min(place, 7), []).append(residuals[step - 1])
        found.append(bins)
    logs = [
        math.log(np.std(found[1][i], ddof=1) / np.std(found[0][i], ddof=1))
        for i in range(8)
        if min(len(bins.get(i, [])) for bins in found) >= 25
    ]
    return sum(logs) / len(logs) if len(logs) >= 4 else None


CASES = [
    (noisy(0), noisy(1)),
    (noisy(0), noisy(1, noise=0.5)),
    (noisy(2), noisy(3, pace=1.7)),
    (noisy(2, pace=0.3), noisy(3, noise=2.0)),
    (at_pace(noisy(4), 0.25), noisy(5)),
]


@pytest.mark.parametrize("case", CASES)
def test_it_is_the_definition_computed_anew(case: tuple[RunRecord, RunRecord]) -> None:
    expected = slowly(*(made.step_losses.astype(np.float64) for made in case))
    assert expected is not None
    assert effect(*case) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_jumps_that_are_twice_as_large_give_twice_the_ratio(factor: float) -> None:
    found = effect(noisy(0), noisy(1, noise=factor))
    assert isinstance(found, float)
    assert math.exp(found) == pytest.approx(factor, rel=0.05)


@pytest.mark.parametrize("pace", [0.71, 1 / 0.71])
def test_the_same_arm_at_another_pace_is_not_judged_steadier_or_less(
    pace: float,
) -> None:
    """At equal steps it would be: jumps grow as the loss falls."""
    runs: list[RunRecord] = []
    for seed in range(6):
        made = noisy(seed)
        for arm, losses in (("none", made), ("batch", at_pace(made, pace))):
            key = RunKey(arm, 0.01, seed)
            runs.append(replace(run(key), step_losses=losses.step_losses))
    claims = {claim.id: claim for claim in judge_all(study(runs))}
    assert claims["faster-convergence"].verdict in ("supported", "contradicted")
    steadier = claims["steadier-training"]
    assert steadier.interval is not None
    low, high = steadier.interval
    assert low > 1 / 1.05 and high < 1.05
    assert steadier.verdict == "no-difference"


def test_the_unit_of_the_loss_does_not_matter() -> None:
    one, two = noisy(0), noisy(1, noise=0.7)
    scaled = [replace(made, step_losses=4 * made.step_losses) for made in (one, two)]
    assert effect(*scaled) == pytest.approx(effect(one, two), abs=1e-6)


def test_swapped_arms_have_the_opposite_effect() -> None:
    one, two = noisy(0), noisy(1, noise=0.7)
    found = effect(one, two)
    assert isinstance(found, float)
    assert effect(two, one) == pytest.approx(-found)


def test_too_few_bins_of_equal_loss_are_omitted() -> None:
    fast = replace(run(KEY), step_losses=noisy(0, pace=30.0).step_losses[:300])
    slow = noisy(1, pace=2.0)
    omitted = effect(slow, fast)
    assert isinstance(omitted, Omitted)
    assert omitted.because.endswith(
        "of 8 bins of equal loss have 25 steps of both arms; it takes 4"
    )


def test_no_common_loss_is_omitted() -> None:
    made = replace(run(KEY), step_losses=np.ones(400, dtype=np.float32))
    assert effect(made, made) == Omitted(
        "no loss that both arms reach lies below half of step 50's"
    )
