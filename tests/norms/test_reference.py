"""The reference agrees with torch, with its own derivative, and with the theory."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from normlab.base.streams import stream
from normlab.norms.reference import (
    BatchStatistics,
    as_rows,
    backward,
    batch_norm,
    exponential_average,
    forward,
    from_rows,
    infer,
    population,
    statistics,
)

# (shape, torch's layer): vectors, sequences, images, volumes, and the extremes
CASES = [
    ((6, 3), nn.BatchNorm1d),
    ((2, 1), nn.BatchNorm1d),
    ((4, 3, 5), nn.BatchNorm1d),
    ((1, 2, 4), nn.BatchNorm1d),
    ((3, 2, 4, 3), nn.BatchNorm2d),
    ((2, 3, 2, 3, 2), nn.BatchNorm3d),
]
SHAPES = [shape for shape, _ in CASES]
# float64, a few hundred operations on numbers of order one
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def drawn(*shape: int, address: int = 0, scale: float = 1.0) -> Tensor:
    """Numbers around 2, in float64."""
    generator = stream("test reference", address)
    return scale * (2 + torch.randn(*shape, generator=generator, dtype=torch.float64))


def parameters(features: int) -> tuple[Tensor, Tensor]:
    return drawn(features, address=1), drawn(features, address=2)


def torch_layer(kind: type[nn.Module], features: int, **settings: object) -> nn.Module:
    """Torch's layer with the same gamma and beta, in float64."""
    layer = kind(features, dtype=torch.float64, **settings)
    gamma, beta = parameters(features)
    layer.load_state_dict({"weight": gamma, "bias": beta}, strict=False)
    return layer


# ------------------------------------------------------ against other routes


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_hand_derived_gradient_is_the_derivative(shape: tuple[int, ...]) -> None:
    inputs = (drawn(*shape), *parameters(shape[1]))
    assert torch.autograd.gradcheck(
        lambda x, gamma, beta: batch_norm(x, gamma, beta, eps=1e-3),
        tuple(tensor.requires_grad_() for tensor in inputs),
    )


@pytest.mark.parametrize(("shape", "kind"), CASES, ids=str)
def test_training_agrees_with_torch(
    shape: tuple[int, ...], kind: type[nn.Module]
) -> None:
    layer = torch_layer(kind, shape[1])
    ours = [drawn(*shape), *parameters(shape[1])]
    theirs = [drawn(*shape), *layer.parameters()]
    for tensor in (*ours, theirs[0]):
        tensor.requires_grad_()
    dy = drawn(*shape, address=3)
    y, expected = batch_norm(*ours), layer(theirs[0])
    torch.testing.assert_close(y, expected, **CLOSE)
    y.backward(dy)
    expected.backward(dy)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, **CLOSE)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_short_gradient_is_the_sum_of_the_papers_three_ways(
    shape: tuple[int, ...],
) -> None:
    x, dy = drawn(*shape), drawn(*shape, address=3)
    gamma, beta = parameters(shape[1])
    done = forward(x, gamma, beta, eps=1e-3)
    n, centred = len(done.xhat), as_rows(x) - statistics(x).mean
    # section 3 of the paper, line by line
    dxhat = as_rows(dy) * gamma
    dvariance = (dxhat * centred).sum(0) * -0.5 * done.std**-3
    dmean = -(dxhat / done.std).sum(0) + dvariance * (-2 * centred).sum(0) / n
    expected = dxhat / done.std + dvariance * 2 * centred / n + dmean / n
    dx, _, _ = backward(dy, gamma, done)
    torch.testing.assert_close(as_rows(dx), expected, **CLOSE)


@pytest.mark.parametrize(("shape", "kind"), CASES, ids=str)
def test_torchs_running_statistics_are_the_exponential_average(
    shape: tuple[int, ...], kind: type[nn.Module]
) -> None:
    layer = torch_layer(kind, shape[1])
    running = BatchStatistics(layer.running_mean.clone(), layer.running_var.clone())
    for address in range(3):
        x = drawn(*shape, address=address)
        running = exponential_average(running, x)
        layer(x)
    torch.testing.assert_close(layer.running_mean, running.mean, **CLOSE)
    torch.testing.assert_close(layer.running_var, running.variance, **CLOSE)


@pytest.mark.parametrize(("shape", "kind"), CASES, ids=str)
def test_the_papers_statistics_are_torchs_cumulative_average(
    shape: tuple[int, ...], kind: type[nn.Module]
) -> None:
    layer = torch_layer(kind, shape[1], momentum=None)
    batches = [drawn(*shape, address=address) for address in range(4)]
    for x in batches:
        layer(x)
    stored = population(batches)
    torch.testing.assert_close(layer.running_mean, stored.mean, **CLOSE)
    torch.testing.assert_close(layer.running_var, stored.variance, **CLOSE)


@pytest.mark.parametrize(("shape", "kind"), CASES, ids=str)
def test_inference_agrees_with_torch(
    shape: tuple[int, ...], kind: type[nn.Module]
) -> None:
    layer = torch_layer(kind, shape[1])
    stored = BatchStatistics(
        drawn(shape[1], address=4), drawn(shape[1], address=5).abs()
    )
    layer.running_mean, layer.running_var = stored
    x = drawn(*shape)
    y = infer(x, stored, *parameters(shape[1]))
    torch.testing.assert_close(y, layer.eval()(x), **CLOSE)


# --------------------------------------------------------------------- laws

BATCHES = st.sampled_from(SHAPES)
ADDRESSES = st.integers(0, 1000)
FACTORS = st.floats(0.1, 10.0)


@given(shape=BATCHES, address=ADDRESSES)
def test_normalised_values_have_mean_0_and_variance_just_below_1(
    shape: tuple[int, ...], address: int
) -> None:
    x, eps = drawn(*shape, address=address), 1e-3
    xhat = forward(x, *parameters(shape[1]), eps=eps).xhat
    variance = statistics(x).variance
    zero = torch.zeros(shape[1], dtype=torch.float64)
    torch.testing.assert_close(xhat.mean(0), zero, rtol=0, atol=1e-9)
    torch.testing.assert_close(
        xhat.square().mean(0), variance / (variance + eps), **CLOSE
    )


@given(shape=BATCHES, address=ADDRESSES, eps=st.sampled_from([0.0, 1e-5, 1e-1]))
def test_no_gradient_moves_the_batch_and_only_eps_lets_one_stretch_it(
    shape: tuple[int, ...], address: int, eps: float
) -> None:
    gamma, beta = parameters(shape[1])
    x, dy = drawn(*shape, address=address), drawn(*shape, address=address + 1)
    done = forward(x, gamma, beta, eps=eps)
    dx, dgamma, _ = backward(dy, gamma, done)
    # rounding grows with the division by std, a nearly constant feature divides most
    atol = 1e-12 * (1 / done.std.min() ** 2).item()
    zero = torch.zeros_like(gamma)
    torch.testing.assert_close(as_rows(dx).sum(0), zero, rtol=0, atol=atol)
    left = gamma / done.std * dgamma * eps / done.std**2
    stretch = (as_rows(dx) * done.xhat).sum(0)
    torch.testing.assert_close(stretch, left, rtol=1e-9, atol=atol)


def loss_and_gradient(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Of a linear layer with `weight` in front of a batch norm without eps."""
    weight = weight.clone().requires_grad_()
    inputs, targets = drawn(16, 4, address=7), drawn(16, 3, address=8)
    hidden = batch_norm(inputs @ weight.T, *parameters(3), eps=0.0)
    loss = (hidden.tanh() - targets).square().mean()
    (gradient,) = torch.autograd.grad(loss, weight)
    return loss.detach(), gradient


@given(address=ADDRESSES)
def test_the_gradient_is_orthogonal_to_the_weights_in_front(address: int) -> None:
    weight = drawn(3, 4, address=address)
    _, gradient = loss_and_gradient(weight)
    # row by row: each unit has a scale of its own
    radial = (weight * gradient).sum(1)
    torch.testing.assert_close(radial, torch.zeros_like(radial), rtol=0, atol=1e-12)


@given(address=ADDRESSES, factor=FACTORS)
def test_scaling_the_weights_in_front_changes_nothing_but_the_gradients_length(
    address: int, factor: float
) -> None:
    weight = drawn(3, 4, address=address)
    loss, gradient = loss_and_gradient(weight)
    scaled_loss, scaled_gradient = loss_and_gradient(factor * weight)
    torch.testing.assert_close(scaled_loss, loss, **CLOSE)
    torch.testing.assert_close(
        scaled_gradient, gradient / factor, rtol=1e-9, atol=1e-12
    )


@given(address=ADDRESSES, shift=st.floats(-100, 100))
def test_a_bias_in_front_has_no_effect(address: int, shift: float) -> None:
    x = drawn(8, 3, address=address)
    y = batch_norm(x, *parameters(3))
    # the shift costs the digits that it adds
    torch.testing.assert_close(
        batch_norm(x + shift, *parameters(3)), y, atol=1e-9, rtol=0
    )


@settings(max_examples=20)
@given(address=ADDRESSES)
def test_the_papers_variance_is_unbiased(address: int) -> None:
    # all pairs of a small population, drawn with replacement, are every batch of 2
    values = drawn(4, 1, address=address)
    pairs = [torch.stack([a, b]) for a in values for b in values]
    stored = population(pairs)
    expected = statistics(values)
    torch.testing.assert_close(stored.mean, expected.mean, **CLOSE)
    torch.testing.assert_close(stored.variance, expected.variance, **CLOSE)


@given(shape=BATCHES)
def test_rows_and_back_is_the_identity(shape: tuple[int, ...]) -> None:
    x = drawn(*shape)
    assert from_rows(as_rows(x), like=x).equal(x)


# ----------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("batches", "text"),
    [
        ([], r"batches of one shape are needed, not \[\]"),
        ([drawn(4, 3), drawn(2, 3)], r"one shape are needed, not \[\(2, 3\), \(4, 3\)"),
        ([drawn(1, 3)], "a variance needs at least 2 values of each feature, not 1"),
    ],
)
def test_a_population_needs_batches_of_one_shape_and_two_values(
    batches: list[Tensor], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        population(batches)


def test_an_average_needs_two_values() -> None:
    before = BatchStatistics(torch.zeros(3), torch.ones(3))
    with pytest.raises(ValueError, match="at least 2 values of each feature"):
        exponential_average(before, drawn(1, 3))
