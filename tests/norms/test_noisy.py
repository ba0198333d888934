"""Noisy batch norm: what the noise is distributed like, and when there is none."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from normlab.base.streams import seeded, stream
from normlab.errors import BadModel
from normlab.norms.noisy import Noise, NoisyBatchNorm

STEPS = 400


def drawn(noise: Noise, x: Tensor) -> Tensor:
    """The outputs of `STEPS` calls, of shape (steps, *x.shape)."""
    with seeded(0, "noise"):
        return torch.stack([noise(x) for _ in range(STEPS)])


def test_the_shift_of_a_step_is_uniform() -> None:
    # of zeros only the shift is left, and without jitter it is the same everywhere
    y = drawn(Noise(jitter=0.0), torch.zeros(5, 3))
    assert (y == y[:, :1, :1]).all()
    assert stats.kstest(y[:, 0, 0], "uniform", (-0.5, 1.0)).pvalue > 0.01


def test_the_scale_of_a_step_is_uniform() -> None:
    y = drawn(Noise(shift=0.0, jitter=0.0), torch.ones(5, 3))
    assert (y == y[:, :1, :1]).all()
    assert stats.kstest(y[:, 0, 0], "uniform", (1.0, 0.25)).pvalue > 0.01


def test_around_the_shift_every_number_is_uniform() -> None:
    y = drawn(Noise(shift=0.0, scale=1.0), torch.zeros(5))
    assert stats.kstest(y.flatten(), "uniform", (-0.1, 0.2)).pvalue > 0.01


def test_around_the_scale_every_number_is_normal() -> None:
    # so large an input that the shift's jitter is nothing beside it
    y = drawn(Noise(shift=0.0, scale=1.0), torch.full((5,), 1e4)) / 1e4
    assert stats.kstest(y.flatten(), "norm", (1.0, 0.1)).pvalue > 0.01


def test_the_numbers_of_a_step_are_jittered_independently() -> None:
    y = drawn(Noise(), torch.zeros(2000))[:20]
    within = y - y.mean(1, keepdim=True)
    # uniform of half-width .1; 40,000 numbers: 3 standard errors are 1 %
    assert within.std().item() == pytest.approx(0.1 / 3**0.5, rel=0.01)
    assert y.mean(1).std() > 0.1  # while the steps differ by far more


def test_without_noise_it_is_batch_norm_exactly() -> None:
    x = torch.randn(8, 3, 4, 4, generator=stream("x"))
    quiet = NoisyBatchNorm(3, shift=0.0, scale=1.0, jitter=0.0)
    torchs = nn.BatchNorm2d(3)
    with seeded(0, "noise"):
        torch.testing.assert_close(quiet(x), torchs(x), rtol=0, atol=0)
    assert quiet.running_mean is not None and torchs.running_mean is not None
    assert quiet.running_mean.equal(torchs.running_mean)


@pytest.mark.parametrize("module", ["itself", "its noise"])
def test_in_eval_mode_nothing_is_drawn(module: str) -> None:
    x = torch.randn(8, 3, generator=stream("x"))
    norm = NoisyBatchNorm(3)
    torchs = nn.BatchNorm1d(3)
    if module == "itself":  # its noise goes with it
        norm.eval()
        torchs.eval()
    else:
        norm.noise.eval()
    # the fixture of all tests fails this one if a random number is drawn
    assert norm(x).equal(torchs(x))


def test_the_running_averages_do_not_see_the_noise() -> None:
    x = torch.randn(8, 3, generator=stream("x"))
    norm, torchs = NoisyBatchNorm(3), nn.BatchNorm1d(3)
    with seeded(0, "noise"):
        norm(x)
    torchs(x)
    assert norm.running_var is not None and torchs.running_var is not None
    assert norm.running_var.equal(torchs.running_var)


def test_the_noise_has_an_address() -> None:
    norm, x = NoisyBatchNorm(3), torch.randn(8, 3, generator=stream("x"))
    with seeded(0, "noise"):
        first = norm(x)
    with seeded(0, "noise"):
        assert norm(x).equal(first)
    with seeded(1, "noise"):
        assert not norm(x).equal(first)


def test_the_gradient_passes_through_the_scale() -> None:
    x = torch.zeros(4, requires_grad=True)
    with seeded(0, "noise"):
        Noise(shift=0.0, scale=2.0, jitter=0.0)(x).sum().backward()
    assert x.grad is not None
    assert ((x.grad >= 1) & (x.grad <= 2)).all()


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"shift": -0.1}, "noisy norm: shift=-0.1 must be at least 0"),
        ({"scale": 0.5}, "noisy norm: scale=0.5 must be at least 1"),
        ({"jitter": float("nan")}, "noisy norm: jitter=nan must be at least 0"),
    ],
)
def test_noise_that_makes_no_sense_is_refused(
    setting: dict[str, float], text: str
) -> None:
    with pytest.raises(BadModel, match=text):
        Noise(**setting)


def test_an_input_without_features_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 2 axes, got 1"):
        NoisyBatchNorm(3)(torch.ones(3))
