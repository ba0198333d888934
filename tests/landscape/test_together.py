"""Losses and networks that depend on how many examples there are, and in what order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from normlab.base.streams import seeded, stream
from normlab.errors import BadSetting
from normlab.landscape.surface import surface

with seeded(0, "together"):
    X = torch.randn(64, 6)
    TARGETS = torch.nn.functional.one_hot(torch.randint(0, 3, (64,)), 3).float()
    EDGES = torch.rand(64, 64).softmax(1)
    NET = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))

NET.requires_grad_(requires_grad=False)


def centre(net: nn.Module, **settings: Any) -> float:
    given = {"points": 3, "exact": True, **settings}
    return float(surface(net, (X, TARGETS), **given).loss[1, 1])


def square(o: Tensor, t: Tensor) -> Tensor:
    return functional.mse_loss(o, t)


def contrast(o: Tensor, _: Tensor) -> Tensor:
    return functional.cross_entropy(o @ o.T, torch.arange(len(o)))


# how many

NO_MEANS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sum": lambda o, t: len(o) * square(o, t),
    "sum over examples of a mean": lambda o, t: (o - t).square().mean(1).sum(),
    "root of a sum": lambda o, t: (o - t).norm(),
    "square of a sum": lambda o, t: (o - t).square().sum() ** 2,
    "sum by a fixed batch size": lambda o, t: (o - t).square().sum() / 64,
    "sum and a constant": lambda o, t: (o - t).square().sum() + 5,
    "mean times the root of the number": lambda o, t: square(o, t) * len(o) ** 0.5,
    "mean by the number": lambda o, t: square(o, t) / len(o),
    "mean and the number": lambda o, t: square(o, t) + 1 / len(o),
}
MEANS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": square,
    "root of a mean": lambda o, t: square(o, t).sqrt(),
    "mean and a constant": lambda o, t: square(o, t) + 5,
    "weighted mean": lambda o, t: functional.cross_entropy(
        o, t.argmax(1), weight=torch.tensor([1.0, 2.0, 5.0])
    ),
    "nothing": lambda o, _: 0 * o.sum(),
    "one for every example": lambda o, _: 0 * o.sum() + 1,
    "largest": lambda o, t: (o - t).abs().max(),
}


@pytest.mark.parametrize("name", NO_MEANS)
@pytest.mark.parametrize("statistics", ["batch", "full"])
def test_a_loss_of_the_number_of_examples_is_refused(name: str, statistics) -> None:
    with pytest.raises(BadSetting, match="two copies of the same examples have"):
        centre(NET, loss=NO_MEANS[name], statistics=statistics)


@pytest.mark.parametrize("name", MEANS)
def test_a_loss_that_examples_given_twice_do_not_change_is_taken(name: str) -> None:
    loss = MEANS[name]
    expected = float(loss(NET(X), TARGETS))
    twice = float(loss(NET(torch.cat([X, X])), torch.cat([TARGETS, TARGETS])))
    assert twice == pytest.approx(expected, rel=1e-5)
    found = centre(NET, loss=loss, statistics="full")
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("size", [16, 64])
def test_a_loss_of_contrasts_is_that_of_its_batches(size: int) -> None:
    order = torch.randperm(64, generator=stream(0, "surface", "batches"))
    batches = [order[i : i + size] for i in range(0, 64, size)]
    losses = [float(contrast(NET(X[cut]), TARGETS[cut])) for cut in batches]
    found = centre(NET, loss=contrast, batch_size=size)
    assert found == pytest.approx(sum(losses) / len(losses), rel=1e-5)


# in what order


class OverGraph(nn.Module):
    """One graph: every example is a node, its neighbours are others."""

    def forward(self, x: Tensor) -> Tensor:
        return self.net(EDGES[: len(x), : len(x)] @ x)

    def __init__(self) -> None:
        super().__init__()
        self.net = NET


class OverTime(OverGraph):
    """Every example is a moment, which adds to those before."""

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.cumsum(0) / 64)


class ByPlace(OverGraph):
    """A row of its own for every example."""

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x * torch.arange(len(x))[:, None] / 64)


def smooth(o: Tensor, _: Tensor) -> Tensor:
    return (o[1:] - o[:-1]).square().mean()


@pytest.mark.parametrize("statistics", ["full", "batch", "running", "recalibrated"])
@pytest.mark.parametrize("kind", [OverGraph, OverTime, ByPlace])
def test_examples_keep_their_order_where_outputs_depend_on_it(kind, statistics) -> None:
    size = 64 if statistics == "full" else 16
    net = kind()
    cuts = [slice(i, i + size) for i in range(0, 64, size)]
    losses = [float(square(net(X[cut]), TARGETS[cut])) for cut in cuts]
    found = centre(net, loss=square, statistics=statistics, batch_size=16)
    assert found == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_a_loss_of_neighbours_has_those_of_the_data() -> None:
    found = centre(NET, loss=smooth, statistics="full")
    assert found == pytest.approx(float(smooth(NET(X), TARGETS)), rel=1e-5)


def test_an_objective_of_a_graph_has_its_nodes_in_order() -> None:
    def over_graph(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return square(EDGES @ net(batch[0]), batch[1])  # of all nodes only

    found = centre(NET, objective=over_graph, statistics="full")
    assert found == pytest.approx(float(square(EDGES @ NET(X), TARGETS)), rel=1e-5)


def test_some_examples_of_an_order_are_in_that_order() -> None:
    chosen = torch.randperm(64, generator=stream(0, "surface", "batches"))[:20]
    chosen = chosen.sort().values
    found = centre(OverTime(), loss=square, statistics="full", examples=20)
    expected = square(OverTime()(X[chosen]), TARGETS[chosen])
    assert found == pytest.approx(float(expected), rel=1e-5)
