from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from normlab.analysis.claims.definition import Omitted, Twins
from normlab.analysis.claims.faster_convergence import (
    common_targets,
    log_seconds_ratio,
    log_steps_ratio,
)
from normlab.records.rows import RunRecord
from normlab.spec.plan import RunKey

from .studies import noisy_curve

KEY = RunKey("none", 0.01, 0)


def twins(
    baseline: NDArray[np.floating], other: NDArray[np.floating], seconds: float = 1.0
) -> Twins:
    def run(losses: NDArray[np.floating], step_seconds: float) -> RunRecord:
        return RunRecord(
            key=KEY,
            status="done",
            step_losses=losses.astype(np.float32),
            step_seconds=step_seconds,
        )

    return Twins(seed=0, baseline=run(baseline, 1.0), other=run(other, seconds))


def power_law(speed: float, steps: int = 20_000) -> NDArray[np.float64]:
    return 3.0 / (np.arange(1, steps + 1) * speed)


@pytest.mark.parametrize("speed", [0.5, 2.0, 3.0])
def test_a_curve_that_runs_faster_needs_as_many_times_fewer_steps(speed: float) -> None:
    effect = log_steps_ratio(twins(power_law(1.0), power_law(speed)))
    assert isinstance(effect, float)
    # the running median of a power law is itself, but for 50 steps at either end
    assert math.exp(effect) == pytest.approx(1 / speed, rel=0.02)


def test_equal_curves_give_no_effect_at_all() -> None:
    curve = noisy_curve(np.random.default_rng(0))
    assert log_steps_ratio(twins(curve, curve)) == 0.0


def test_swapping_the_arms_turns_the_effect_around() -> None:
    a, b = (noisy_curve(np.random.default_rng(s), speed=s) for s in (1, 2))
    effect = log_steps_ratio(twins(a, b))
    assert isinstance(effect, float)
    assert log_steps_ratio(twins(b, a)) == pytest.approx(-effect, abs=1e-12)


def test_the_unit_of_the_loss_does_not_matter() -> None:
    a, b = (noisy_curve(np.random.default_rng(s), speed=s) for s in (1, 2))
    effect = log_steps_ratio(twins(a, b))
    assert log_steps_ratio(twins(4 * a, 4 * b)) == pytest.approx(effect, abs=1e-6)


def test_targets_are_even_in_log_loss_between_both_ends() -> None:
    a, b = np.linspace(2.0, 0.1, 200), np.linspace(1.0, 0.2, 200)
    targets = common_targets(a, b)
    assert targets is not None
    assert targets[0] == pytest.approx(0.5 * min(a[49], b[49]))
    assert targets[-1] == pytest.approx(1.1 * 0.2)
    assert np.diff(np.log(targets)) == pytest.approx(np.diff(np.log(targets))[0])


@pytest.mark.parametrize("steps", [20, 400])
def test_curves_that_hardly_fall_or_are_short_are_omitted(steps: int) -> None:
    flat = np.linspace(1.0, 0.9, steps)
    effect = log_steps_ratio(twins(flat, flat))
    assert effect == Omitted(
        "no loss that both arms reach lies below half of step 50's"
    )


def test_a_loss_of_zero_at_the_end_is_no_obstacle() -> None:
    curve = np.maximum(power_law(1.0, 2000) - 0.01, 0)
    assert log_steps_ratio(twins(curve, curve)) == 0.0


def test_seconds_multiply_the_steps_by_the_time_of_one() -> None:
    pair = twins(power_law(1.0, 500), power_law(1.0, 500), seconds=1.5)
    assert log_seconds_ratio(pair, math.log(2)) == pytest.approx(math.log(3))
    assert (
        log_seconds_ratio(twins(*[power_law(1.0, 500)] * 2, seconds=0.0), 0.0) is None
    )
