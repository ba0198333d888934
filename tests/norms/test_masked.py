"""Masked batch norm: padding is not there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from normlab.base.streams import stream
from normlab.norms.masked import MaskedBatchNorm

FEATURES = 3
POSITIONS = [(), (7,), (4, 5), (2, 3, 2)]
TORCHS = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def layers(dims: int) -> tuple[MaskedBatchNorm, nn.Module]:
    """A masked norm and torch's with the same gain and shift."""
    torchs = TORCHS[dims](FEATURES).double()
    with torch.no_grad():
        torchs.weight.copy_(torch.tensor([0.5, 1.0, 2.0]))
        torchs.bias.copy_(torch.tensor([1.0, 0.0, -1.0]))
    ours = MaskedBatchNorm(FEATURES).double()
    ours.load_state_dict(torchs.state_dict())
    return ours, torchs


def batch(*positions: int) -> tuple[Tensor, Tensor]:
    """Values with far-off padding, and which of them are valid."""
    x = torch.randn(6, FEATURES, *positions, generator=stream("x")).double()
    mask = torch.rand(6, *positions, generator=stream("mask")) < 0.6
    mask.view(-1)[:2] = torch.tensor([True, False])
    return torch.where(mask.unsqueeze(1), x, 1e3), mask


@pytest.mark.parametrize("positions", POSITIONS)
def test_valid_positions_are_normalised_as_if_there_were_no_others(
    positions: tuple[int, ...],
) -> None:
    norm, _ = layers(len(positions))
    x, mask = batch(*positions)
    y = norm(x, mask)
    table = np.moveaxis(x.numpy(), 1, -1)[mask.numpy()]  # (valid, features)
    weight, bias = norm.weight.detach().numpy(), norm.bias.detach().numpy()
    normal = (table - table.mean(0)) / np.sqrt(table.var(0) + norm.eps) * weight + bias
    found = np.moveaxis(y.detach().numpy(), 1, -1)
    np.testing.assert_allclose(found[mask.numpy()], normal, rtol=1e-11, atol=1e-11)
    assert not found[~mask.numpy()].any()
    assert norm.running_mean is not None and norm.running_var is not None
    np.testing.assert_allclose(norm.running_mean, 0.1 * table.mean(0))
    np.testing.assert_allclose(norm.running_var, 0.9 + 0.1 * table.var(0, ddof=1))


@pytest.mark.parametrize("positions", POSITIONS)
def test_all_valid_is_batch_norm(positions: tuple[int, ...]) -> None:
    norm, torchs = layers(len(positions))
    x, mask = batch(*positions)
    ours = norm(x, torch.ones_like(mask))
    torch.testing.assert_close(ours, torchs(x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(norm.state_dict(), torchs.state_dict())


@pytest.mark.parametrize("positions", POSITIONS)
def test_without_a_mask_it_is_batch_norm_exactly(positions: tuple[int, ...]) -> None:
    norm, torchs = layers(len(positions))
    x, _ = batch(*positions)
    assert norm(x).equal(torchs(x))


def test_what_stands_in_the_padding_changes_nothing() -> None:
    x, mask = batch(7)
    other = torch.where(mask.unsqueeze(1), x, float("nan"))
    assert layers(1)[0](x, mask).equal(layers(1)[0](other, mask))


def test_padding_gets_no_gradient_and_valid_positions_get_that_of_the_short() -> None:
    norm, torchs = layers(1)
    short = torch.randn(4, FEATURES, 5, generator=stream("x")).double()
    long = torch.cat([short, torch.full((4, FEATURES, 3), 9.0)], dim=2)
    valid = (torch.arange(8) < 5).expand(4, 8)
    short, long = short.requires_grad_(), long.requires_grad_()
    norm(long, valid).pow(3).sum().backward()
    torchs(short).pow(3).sum().backward()
    assert long.grad is not None
    torch.testing.assert_close(long.grad[..., :5], short.grad, rtol=1e-9, atol=1e-9)
    assert not long.grad[..., 5:].any()


def test_whole_examples_can_be_left_out() -> None:
    norm, torchs = layers(2)
    x, _ = batch(4, 5)
    valid = torch.tensor([True, True, False, True, False, True])
    y = norm(x, valid)
    torch.testing.assert_close(y[valid], torchs(x[valid]), rtol=1e-12, atol=1e-12)
    assert not y[~valid].any()


def test_at_inference_padding_stays_zero_and_the_rest_uses_what_is_stored() -> None:
    norm, torchs = layers(1)
    x, mask = batch(7)
    norm(x, mask)
    torchs.load_state_dict(norm.state_dict())
    expected = torch.where(mask.unsqueeze(1), torchs.eval()(x), 0.0)
    torch.testing.assert_close(norm.eval()(x, mask), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mask", [torch.ones(6, 7), torch.ones(6, 8) > 0])
def test_a_mask_that_does_not_fit_is_refused(mask: Tensor) -> None:
    x, _ = batch(7)
    with pytest.raises(ValueError, match=r"a mask of bool and shape \(6, 7\), True"):
        MaskedBatchNorm(FEATURES)(x, mask)


def test_one_valid_position_is_refused_as_torch_does() -> None:
    mask = torch.zeros(6, 7) > 0
    mask[0, 0] = True
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        MaskedBatchNorm(FEATURES)(batch(7)[0].float(), mask)
