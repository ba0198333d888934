"""Norms that are part of batch norm: without its division, its mean, its learning."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.base.streams import stream
from normlab.errors import BadModel
from normlab.norms.batch import BatchNorm
from normlab.norms.fixed_affine import FixedAffineBatchNorm
from normlab.norms.frozen import FrozenBatchNorm
from normlab.norms.mean_only import MeanOnlyBatchNorm
from normlab.norms.variance_only import VarianceOnlyBatchNorm

FEATURES = 3
POSITIONS = [(), (4,), (4, 5), (2, 3, 2)]
TORCHS = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
ALL = (
    MeanOnlyBatchNorm,
    VarianceOnlyBatchNorm,
    FixedAffineBatchNorm,
    FrozenBatchNorm,
)
Column = NDArray[np.float64]


def batch(*positions: int) -> Tensor:
    x = torch.randn(8, FEATURES, *positions, generator=stream("x")).double()
    return 3 * x + 2


def filled(norm: nn.Module) -> nn.Module:
    """With gain, shift and averages of its own."""
    norm = norm.double()
    for name, tensor in norm.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(FEATURES, generator=stream(name)) + 0.5)
    return norm


def by_hand(kind: type[BatchNorm], x: Column, mean: float, var: float, eps: float):
    """What the norm makes of one feature before gain and shift."""
    if kind is MeanOnlyBatchNorm:
        return x - mean
    if kind is VarianceOnlyBatchNorm:
        return x / np.sqrt(var + eps)
    return (x - mean) / np.sqrt(var + eps)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("kind", ALL)
def test_it_is_its_equation(
    kind: type[BatchNorm], positions: tuple[int, ...], training: bool
) -> None:
    norm, x = filled(kind(FEATURES)).train(training), batch(*positions)
    held = {name: t.clone().numpy() for name, t in norm.state_dict().items()}
    found = norm(x).detach().numpy()
    for feature in range(FEATURES):
        column = x[:, feature].numpy()
        if training and kind is not FrozenBatchNorm:
            mean, variance = column.mean(), column.var()
        else:
            mean = held["running_mean"][feature]
            variance = held["running_var"][feature]
        y = by_hand(kind, column, mean, variance, 1e-5)
        if "weight" in held:
            y = held["weight"][feature] * y + held["bias"][feature]
        np.testing.assert_allclose(found[:, feature], y, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("kind", [k for k in ALL if k is not FrozenBatchNorm])
def test_its_averages_are_batch_norms(
    kind: type[BatchNorm], positions: tuple[int, ...], momentum: float | None
) -> None:
    norm = kind(FEATURES, momentum=momentum).double()
    torchs = TORCHS[len(positions)](FEATURES, momentum=momentum).double()
    for factor in (1, 3):
        norm(factor * batch(*positions))
        torchs(factor * batch(*positions))
    expected = torchs.state_dict()
    for name, tensor in norm.state_dict().items():
        assert tensor.equal(expected[name]), name


@pytest.mark.parametrize("kind", ALL)
def test_its_gradient_is_that_of_small_differences(kind: type[BatchNorm]) -> None:
    norm = filled(kind(FEATURES))
    x = batch(4)[:2].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: deepcopy(norm)(x), (x,))


def test_mean_only_then_variance_only_is_batch_norm() -> None:
    torchs = nn.BatchNorm2d(FEATURES).double()
    both = nn.Sequential(MeanOnlyBatchNorm(FEATURES), VarianceOnlyBatchNorm(FEATURES))
    x = batch(4, 5)
    torch.testing.assert_close(both.double()(x), torchs(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [MeanOnlyBatchNorm, VarianceOnlyBatchNorm])
def test_without_averages_the_batch_is_used_at_inference_too(
    kind: type[BatchNorm],
) -> None:
    norm = kind(FEATURES, affine=False, track_running_stats=False).double()
    assert norm.eval()(batch()).equal(norm.train()(batch()))


@pytest.mark.parametrize("kind", [k for k in ALL if k is not FrozenBatchNorm])
def test_a_single_value_is_refused_as_torch_does(kind: type[BatchNorm]) -> None:
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        kind(FEATURES)(torch.ones(1, FEATURES))


@pytest.mark.parametrize("kind", ALL)
def test_an_input_without_features_is_refused(kind: type[BatchNorm]) -> None:
    with pytest.raises(ValueError, match="expected at least 2 axes, got 1"):
        kind(FEATURES).eval()(torch.ones(3))


def test_fixed_constants_are_the_same_for_every_feature_and_not_learnt() -> None:
    norm = FixedAffineBatchNorm(FEATURES, gain=2.0, shift=-1.0).double()
    y = norm(batch(4, 5))
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.full((3,), -1.0).double())
    std = y.std((0, 2, 3), correction=0)
    torch.testing.assert_close(std, torch.full((3,), 2.0).double(), rtol=1e-5, atol=0)
    assert not list(norm.parameters())
    plain = FixedAffineBatchNorm(FEATURES, affine=False, gain=2.0, shift=-1.0)
    torchs = nn.BatchNorm2d(FEATURES, affine=False)
    assert plain(batch(4, 5).float()).equal(torchs(batch(4, 5).float()))


def test_frozen_statistics_stay_in_training() -> None:
    net = nn.Sequential(nn.Identity(), filled(FrozenBatchNorm(FEATURES)))
    before = deepcopy(net[1].state_dict())
    net.double().train()
    net(batch()).square().sum().backward()
    assert all(t.equal(before[n]) for n, t in net[1].state_dict().items())
    assert net.training and not net[1].training
    assert net[1].weight.grad.abs().min() > 0  # they are learnt


def test_frozen_without_averages_is_refused() -> None:
    with pytest.raises(BadModel, match="frozen norm normalises by running averages"):
        FrozenBatchNorm(3, track_running_stats=False)
