"""Batch renormalisation against its equations, written out in NumPy."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.base.streams import stream
from normlab.errors import BadModel
from normlab.norms.renorm import BatchRenorm

FEATURES = 3
POSITIONS = [(), (4,), (4, 5), (2, 3, 2)]
TORCHS = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
OPEN = {"r_max": 1e9, "d_max": 1e9, "start": 0, "r_end": 0, "d_end": 0}


def batch(*positions: int, seed: int = 0, n: int = 8) -> Tensor:
    x = torch.randn(n, FEATURES, *positions, generator=stream("x", seed)).double()
    return 3 * x + 2


def made(**settings: float) -> BatchRenorm:
    """One with gain, shift and averages of its own."""
    norm = BatchRenorm(FEATURES, **settings).double()  # pyright: ignore[reportArgumentType]
    for name, tensor in norm.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(FEATURES, generator=stream(name)) + 0.5)
    return norm


def rows(x: Tensor) -> NDArray[np.float64]:
    return np.moveaxis(x.detach().numpy(), 1, -1).reshape(-1, FEATURES)


def by_the_paper(
    norm: BatchRenorm, x: Tensor, r_max: float, d_max: float
) -> NDArray[np.float64]:
    """Algorithm 1, feature by feature."""
    held = {name: t.numpy() for name, t in norm.state_dict().items()}
    table = rows(x)
    answer = np.empty_like(table)
    for feature in range(FEATURES):
        column = table[:, feature]
        mean, deviation = column.mean(), np.sqrt(column.var() + norm.eps)
        running = held["running_mean"][feature]
        stored = np.sqrt(held["running_var"][feature] + norm.eps)
        r = min(max(deviation / stored, 1 / r_max), r_max)
        d = min(max((mean - running) / stored, -d_max), d_max)
        xhat = (column - mean) / deviation * r + d
        answer[:, feature] = held["weight"][feature] * xhat + held["bias"][feature]
    return answer


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize(
    ("step", "r_max", "d_max"),
    # from 10 on both limits open: one to 3 by step 30, the other to 2 by step 20
    [(0, 1, 0), (10, 1, 0), (15, 1.5, 1), (20, 2, 2), (25, 2.5, 2), (99, 3, 2)],
)
def test_it_is_the_papers_algorithm_with_limits_that_open_by_steps(
    positions: tuple[int, ...], step: int, r_max: float, d_max: float
) -> None:
    norm = made(r_max=3, d_max=2, start=10, r_end=30, d_end=20)
    norm.num_batches_tracked = torch.tensor(step)
    x = batch(*positions)
    expected = by_the_paper(norm, x, r_max, d_max)
    np.testing.assert_allclose(rows(norm(x)), expected, rtol=1e-10, atol=1e-10)


def test_both_limits_do_cut_in_the_case_above() -> None:
    norm, x = made(), batch()
    wide = by_the_paper(norm, x, 1e9, 1e9)
    for limits in ((1.5, 1e9), (1e9, 1)):
        assert not np.allclose(by_the_paper(norm, x, *limits), wide, rtol=0.01)


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("positions", POSITIONS)
def test_with_limits_of_1_and_0_it_is_batch_norm(
    positions: tuple[int, ...], momentum: float | None
) -> None:
    norm = made(r_max=1, d_max=0)
    norm.momentum = momentum
    torchs = TORCHS[len(positions)](FEATURES, momentum=momentum).double()
    torchs.load_state_dict(norm.state_dict())
    x, y = batch(*positions).requires_grad_(), batch(*positions).requires_grad_()
    for _ in range(3):
        ours, theirs = norm(x), torchs(y)
        torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-13)
        ours.square().sum().backward()
        theirs.square().sum().backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-10, atol=1e-10)
    for (name, one), other in zip(
        norm.named_parameters(), torchs.parameters(), strict=True
    ):
        torch.testing.assert_close(one.grad, other.grad, msg=name)
    for name, tensor in torchs.state_dict().items():
        assert tensor.equal(norm.state_dict()[name]), name


@pytest.mark.parametrize("positions", POSITIONS)
def test_without_limits_training_computes_what_inference_does(
    positions: tuple[int, ...],
) -> None:
    norm, x = made(**OPEN), batch(*positions)
    at_inference = deepcopy(norm).eval()(x)
    torch.testing.assert_close(norm(x), at_inference, rtol=1e-10, atol=1e-10)


def test_r_and_d_are_constants_to_the_gradient() -> None:
    norm, x = made(**OPEN), batch().requires_grad_()
    r, d = norm.correction(x)
    torchs = nn.BatchNorm1d(FEATURES, affine=False).double()
    y = (torchs(x) * r + d) * norm.weight + norm.bias
    (expected,) = torch.autograd.grad(y.pow(3).sum(), x)
    (found,) = torch.autograd.grad(norm(x).pow(3).sum(), x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-8)


def test_without_gain_and_shift() -> None:
    norm = BatchRenorm(FEATURES, affine=False, **OPEN).double()  # pyright: ignore[reportArgumentType]
    x = batch()
    # the averages are still 0 and 1
    expected = x / np.sqrt(1 + norm.eps)
    torch.testing.assert_close(norm(x), expected, rtol=1e-10, atol=1e-10)
    assert not list(norm.parameters())


def test_half_precision_is_answered_in_half_precision() -> None:
    norm, x = BatchRenorm(FEATURES), batch(4).half()
    assert norm(x).dtype == torch.float16
    expected = BatchRenorm(FEATURES)(x.float())
    torch.testing.assert_close(norm(x).float(), expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"r_max": 0.5}, "renorm norm: r_max=0.5 must be at least 1"),
        ({"d_max": -1}, "renorm norm: d_max=-1 must be at least 0"),
        ({"start": 900}, "renorm norm: r_end=800 must be at least 900"),
        ({"track_running_stats": False}, "renorm norm normalises by running averages"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, float], text: str) -> None:
    with pytest.raises(BadModel, match=text):
        BatchRenorm(FEATURES, **settings)  # pyright: ignore[reportArgumentType]


def test_a_single_value_is_refused_as_torch_does() -> None:
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        BatchRenorm(FEATURES)(torch.ones(1, FEATURES))
