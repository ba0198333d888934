from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from normlab.analysis.claims.definition import Omitted, Twins
from normlab.analysis.claims.steadier_training import first_epoch_noise, log_noise_ratio
from normlab.records.rows import RunRecord
from normlab.spec.plan import RunKey

from .studies import noisy_curve, run

KEY = RunKey("none", 0.01, 0)


def noisy(noise: float) -> RunRecord:
    made = run(KEY)
    curve = noisy_curve(np.random.default_rng(4), steps=4000, noise=noise)
    return replace(made, step_losses=curve)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_noise_that_is_twice_as_strong_gives_twice_the_ratio(factor: float) -> None:
    effect = log_noise_ratio(
        Twins(seed=0, baseline=noisy(0.2), other=noisy(0.2 * factor))
    )
    assert isinstance(effect, float)
    # early in training the fall within the window adds to the noise
    assert math.exp(effect) == pytest.approx(factor, rel=0.1)


def test_only_the_first_epoch_counts() -> None:
    made = noisy(0.2)
    later = made.step_losses.copy()
    later[2000:] *= np.where(np.arange(2000) % 2, 10, 0.1)
    assert first_epoch_noise(replace(made, step_losses=later)) == first_epoch_noise(
        made
    )


def test_the_unit_of_the_loss_does_not_matter() -> None:
    made = noisy(0.2)
    scaled = replace(made, step_losses=4 * made.step_losses)
    assert first_epoch_noise(scaled) == pytest.approx(first_epoch_noise(made))


def test_an_epoch_shorter_than_the_window_is_omitted() -> None:
    made = replace(run(KEY), step_losses=np.ones(100, dtype=np.float32))
    effect = log_noise_ratio(Twins(seed=0, baseline=made, other=made))
    assert effect == Omitted("epoch 1 has fewer than 51 steps with a positive loss")


def test_a_loss_that_never_moves_is_omitted() -> None:
    made = replace(run(KEY), step_losses=np.ones(400, dtype=np.float32))
    effect = log_noise_ratio(Twins(seed=0, baseline=made, other=made))
    assert effect == Omitted("the loss never moved")
