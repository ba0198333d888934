"""Placebo arms differ in one thing alone, and claims that mistook it are caught."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from normlab.analysis.claims import steadier_training
from normlab.analysis.claims.definition import Definition, Twins
from normlab.calibration import error_rates, placebo
from normlab.calibration.error_rates import Calibration, calibrate
from normlab.calibration.placebo import PACE, faster
from normlab.calibration.pool import Pool
from tests.calibration.runs import STEPS, runs


def test_at_another_pace_the_losses_are_the_same_ones() -> None:
    (run,) = runs(1)
    quick = faster(run, 0.5)
    assert np.array_equal(quick.step_losses, run.step_losses[1::2])
    assert quick.correct is run.correct
    other = faster(run).step_losses
    assert other.size == int(STEPS * PACE)
    assert other[-1] == run.step_losses[-1]
    assert set(other.tolist()) <= set(run.step_losses.tolist())


def at_equal_steps(twins: Twins) -> float:
    """The measure of steadiness that a faster arm lost: spread over early steps."""
    early = slice(0, STEPS // 2)
    logs = [np.log(r.step_losses[early]) for r in (twins.other, twins.baseline)]
    spread = [np.std(np.diff(one)) for one in logs]
    return float(np.log(spread[0] / spread[1]))


def rows_of(claim: Definition, monkeypatch: pytest.MonkeyPatch) -> list[Calibration]:
    for module in (error_rates, placebo):
        monkeypatch.setattr(module, "DEFINITIONS", (claim,))
    # the noise of a loss grows as it falls, as that of real ones does
    grows = tuple(
        replace(r, step_losses=r.step_losses * grown(seed))
        for seed, r in enumerate(runs(24, noise=0.05))
    )
    pool = Pool(runs=grows)
    return [r for r in calibrate(pool, sizes=[5], studies=60) if r.claim == claim.id]


def grown(seed: int) -> np.ndarray:
    stream = np.random.default_rng(1000 + seed)
    return np.exp(np.linspace(0.0, 0.6, STEPS) * stream.standard_normal(STEPS))


def test_a_measure_of_who_is_ahead_passes_equal_arms_and_fails_the_placebo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    naive = replace(steadier_training.CLAIM, effect=at_equal_steps)
    equal, quick, *_ = rows_of(naive, monkeypatch)
    assert equal.false.good
    assert not quick.false.good


def test_steadiness_at_equal_loss_passes_both(monkeypatch: pytest.MonkeyPatch) -> None:
    equal, quick, *_ = rows_of(steadier_training.CLAIM, monkeypatch)
    assert equal.judged == quick.judged == 60
    assert equal.false.good and quick.false.good
