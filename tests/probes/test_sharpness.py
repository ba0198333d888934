from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd.functional import hessian as dense_hessian
from torch.func import functional_call
from torch.nn.functional import cross_entropy, multi_margin_loss

from normlab.base.streams import stream
from normlab.probes.hessian import hessian, is_once_only
from normlab.probes.sharpness import (
    largest_eigenvalue,
    sharpness,
)
from tests.probes.cases import NORMS, batch, small


def dense(model: nn.Module) -> np.ndarray:
    """The whole Hessian, from torch's own slow function."""
    named = {n: p.detach() for n, p in model.named_parameters()}
    sizes = [p.numel() for p in named.values()]
    inputs, labels = batch()

    def loss(flat: torch.Tensor) -> torch.Tensor:
        parts = zip(named.items(), flat.split(sizes), strict=True)
        placed = {name: part.view_as(p) for (name, p), part in parts}
        return cross_entropy(functional_call(model, placed, (inputs,)), labels)

    whole = torch.cat([p.reshape(-1) for p in named.values()])
    return dense_hessian(loss, whole).numpy()


@pytest.mark.parametrize("norm", NORMS)
def test_the_eigenvalue_is_that_of_the_dense_hessian(norm: str) -> None:
    model = small(norm)
    expected = np.linalg.eigvalsh(dense(model))[-1]
    value = sharpness(model, [batch()], loss=cross_entropy, seed=0)
    # after 12 products of 70 dimensions, and always from below
    assert 0.99 * expected < value <= expected * (1 + 1e-9)


def test_graphs_are_held_or_made_again_with_the_same_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measured() -> float:
        batches = [batch(), tuple(part.flip(0) for part in batch())]
        return sharpness(small("batch"), batches, loss=cross_entropy, seed=0)

    held = measured()
    monkeypatch.setattr("normlab.probes.hessian.HELD", 0)
    assert measured() == pytest.approx(held, rel=1e-9)


def test_products_are_those_with_the_dense_hessian() -> None:
    model = small("batch")
    inputs, labels = batch()
    loss = cross_entropy(model(inputs), labels)
    gradient, times = hessian(loss, list(model.parameters()))
    loss.backward(retain_graph=True)
    parts = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradient.equal(torch.cat([part.reshape(-1) for part in parts]))
    draws = stream(0, "vector")
    vector = torch.randn(len(gradient), generator=draws, dtype=torch.float64)
    assert np.allclose(times(vector), dense(model) @ vector.numpy(), atol=1e-12)


def test_what_cannot_be_differentiated_twice_has_no_curvature() -> None:
    # torch has the first derivative of this loss alone
    with pytest.raises(RuntimeError) as refusal:
        sharpness(small("none"), [batch()], loss=multi_margin_loss, seed=0)
    assert is_once_only(refusal.value)


def test_any_other_trouble_is_told() -> None:
    def wrong(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no loss today")

    with pytest.raises(RuntimeError, match="no loss today") as trouble:
        sharpness(small("none"), [batch()], loss=wrong, seed=0)
    assert not is_once_only(trouble.value)


def test_attention_has_a_curvature() -> None:
    with torch.random.fork_rng():
        layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).double()
        first, last = nn.Linear(5, 4).double(), nn.Linear(4, 3).double()
    model = nn.Sequential(first, nn.Unflatten(1, (1, 4)), layer, nn.Flatten(), last)
    assert sharpness(model, [batch()], loss=cross_entropy, seed=0) > 0


def test_lanczos_finds_the_largest_eigenvalue_of_a_known_matrix() -> None:
    values = torch.tensor([-9.0, 1.0, 2.0, 3.0, 5.0], dtype=torch.float64)
    start = torch.ones(5, dtype=torch.float64)
    value, products = largest_eigenvalue(lambda v: values * v, start)
    assert value == pytest.approx(5.0) and products <= 5


def test_a_matrix_that_multiplies_by_nothing_has_eigenvalue_zero() -> None:
    value, products = largest_eigenvalue(torch.zeros_like, torch.ones(4))
    assert value == 0 and products == 1


def test_a_rest_on_the_way_is_not_the_top() -> None:
    # the largest one is hardly in the start, the next one below it is
    values = torch.tensor([1.04, 1.0, 0.5, 0.2, 0.1, 0.0], dtype=torch.float64)
    start = torch.tensor([1e-3, 1.0, 1.0, 1.0, 1.0, 1.0], dtype=torch.float64)
    value, _ = largest_eigenvalue(lambda v: values * v, start)
    assert value == pytest.approx(1.04, rel=1e-4)


def test_at_most_twelve_products_are_taken() -> None:
    values = torch.linspace(0, 1, 500, dtype=torch.float64) ** 0.01
    _, products = largest_eigenvalue(lambda v: values * v, torch.ones(500).double())
    assert products <= 12


def test_what_is_not_finite_has_no_eigenvalue() -> None:
    value, _ = largest_eigenvalue(lambda v: v * torch.nan, torch.ones(4))
    assert np.isnan(value)


def test_a_loss_that_does_not_curve_has_sharpness_zero() -> None:
    weight = nn.Parameter(torch.ones(3))
    gradient, times = hessian(weight.sum(), [weight])
    assert gradient.equal(torch.ones(3))
    assert times(torch.ones(3)).equal(torch.zeros(3))
