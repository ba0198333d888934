from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd.functional import hessian as dense_hessian
from torch.func import functional_call
from torch.nn.functional import cross_entropy, multi_margin_loss

from normlab.base.streams import stream
from normlab.probes import hessian
from normlab.probes.context import Batch
from normlab.probes.curvature import lanczos, row_curvatures
from tests.probes.cases import NORMS, WEIGHTS, batch, small


def batches() -> list[Batch]:
    """Two of eight; norms see each by itself."""
    inputs, labels = batch(16)
    return [*zip(inputs.split(8), labels.split(8), strict=True)]


def found(
    model: nn.Module, weights: Sequence[str] = WEIGHTS, of: list[Batch] | None = None
) -> np.ndarray:
    of = of or batches()
    return row_curvatures(model, of, loss=cross_entropy, weights=weights, seed=0)


def dense(model: nn.Module, weights: Sequence[str]) -> np.ndarray:
    """Eigenvalues of D H D, from torch's own slow Hessian and NumPy; falling."""
    named = {n: p.detach() for n, p in model.named_parameters() if n in weights}
    sizes = [p.numel() for p in named.values()]

    def loss(flat: torch.Tensor) -> torch.Tensor:
        parts = zip(named.items(), flat.split(sizes), strict=True)
        placed = {name: part.view_as(p) for (name, p), part in parts}
        losses = [
            cross_entropy(functional_call(model, placed, (x,)), y) for x, y in batches()
        ]
        return torch.stack(losses).mean()

    whole = torch.cat([p.reshape(-1) for p in named.values()])
    rows = [np.linalg.norm(p.numpy(), axis=1) for p in named.values()]
    lengths = [
        np.repeat(row, p.shape[1]) for row, p in zip(rows, named.values(), strict=True)
    ]
    scale = np.concatenate(lengths)
    matrix = scale[:, None] * dense_hessian(loss, whole).numpy() * scale
    return np.linalg.eigvalsh(matrix[scale > 0][:, scale > 0])[::-1]


@pytest.mark.parametrize("norm", NORMS)
def test_every_eigenvalue_is_that_of_the_dense_matrix(norm: str) -> None:
    few = WEIGHTS[1:]  # 36 numbers, fewer than 40 products
    values = found(small(norm), few)
    expected = dense(small(norm), few)
    # what a norm leaves without curvature is one vector of the Krylov space
    top = expected[: len(values)]
    assert values[:8] == pytest.approx(top[:8], rel=1e-7, abs=1e-9 * expected[0])


@pytest.mark.parametrize("norm", NORMS)
def test_the_largest_of_a_larger_matrix_are_found_in_forty_steps(norm: str) -> None:
    assert found(small(norm))[:6] == pytest.approx(
        dense(small(norm), WEIGHTS)[:6], rel=1e-6
    )


def test_single_precision_is_enough() -> None:
    expected = found(small("batch"))[:6]
    inputs = [(x.float(), y) for x, y in batches()]
    assert found(small("batch").float(), of=inputs)[:6] == pytest.approx(
        expected, rel=2e-4
    )


def test_the_length_of_a_row_in_front_of_a_norm_is_nothing() -> None:
    plain, scaled = small("batch"), small("batch")
    for net in (plain, scaled):
        for module in net:
            if isinstance(module, nn.BatchNorm1d):
                module.eps = 1e-30  # else it is part of the function
    for at, rows in ((0, [2.0, 4.0, 0.5, 1.0, 3.0, 0.1]), (3, [4.0, 0.25, 2.0, 7.0])):
        k = torch.tensor(rows, dtype=torch.float64)
        layer = scaled[at]
        assert isinstance(layer, nn.Linear)
        layer.weight.data *= k[:, None]
        layer.bias.data *= k
    expected = found(plain)[:10]
    assert found(scaled)[:10] == pytest.approx(expected, rel=1e-6)
    # and without a norm it is something
    other = small("none")
    before = found(other)[0]
    dict(other.named_parameters())["6.weight"].data *= 2.0
    assert found(other)[0] != pytest.approx(before, rel=0.1)


def test_rows_of_length_zero_are_left_out() -> None:
    net = small("none")
    named = dict(net.named_parameters())
    named["3.weight"].data[1] = 0.0
    named["3.bias"].data[1] = 1.0  # so that its unit is alive and has a gradient
    few = WEIGHTS[1:]
    values = found(net, few)
    assert len(values) <= 36 - 6
    assert values[:6] == pytest.approx(dense(net, few)[:6], rel=1e-7)


def test_graphs_are_held_or_made_again_with_the_same_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = found(small())
    monkeypatch.setattr(hessian, "HELD", 0)
    assert found(small())[:10] == pytest.approx(held[:10], rel=1e-9)


def test_weights_that_are_not_trained_do_not_count() -> None:
    net = small()
    dict(net.named_parameters())["6.weight"].requires_grad_(requires_grad=False)
    np.testing.assert_array_equal(found(net), found(small(), WEIGHTS[:2]))
    net.requires_grad_(requires_grad=False)
    assert found(net).size == 0


def test_no_eigenvalue_is_found_twice() -> None:
    # without reorthogonalisation the outliers come back within twenty steps
    values = torch.cat([torch.tensor([1e6, 1e5, 1e4]), torch.linspace(1, 2, 300)])
    start = torch.randn(303, generator=stream(0, "start"))
    top = lanczos(lambda v: values * v, start)[:4]
    assert top[:3] == pytest.approx([1e6, 1e5, 1e4], rel=1e-5)
    assert top[3] < 10


def test_a_space_of_few_dimensions_ends_early() -> None:
    values = torch.tensor([3.0, 1.0, -2.0]).double()
    ones = torch.ones(3).double()
    assert lanczos(lambda v: values * v, ones) == pytest.approx([3, 1, -2])
    assert lanczos(torch.zeros_like, ones) == pytest.approx([0])


def test_what_is_not_finite_has_no_eigenvalues() -> None:
    assert np.isnan(lanczos(lambda v: v * torch.nan, torch.ones(4))).all()


def test_what_cannot_be_differentiated_twice_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"derivative for .* is not implemented"):
        row_curvatures(
            small("none"), batches(), loss=multi_margin_loss, weights=WEIGHTS, seed=0
        )
