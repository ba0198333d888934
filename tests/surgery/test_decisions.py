"""Folding leaves the example alone, and refuses networks that branch on their data."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from normlab.base.streams import seeded, stream
from normlab.errors import BadModel
from normlab.surgery.edits import Folded
from normlab.surgery.fold import fold


class Net(nn.Module):
    """A layer, its norm, and what is done with both."""

    def __init__(self, way: Callable[[Net, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)
        self.recurrent = nn.LSTM(4, 4)
        self.gain = nn.Parameter(torch.ones(()))
        self.way = way

    def forward(self, x: Tensor) -> Tensor:
        return self.way(self, x, self.layer(x))


BRANCHES: dict[str, Callable[[Net, Tensor, Tensor], Tensor]] = {
    "bool": lambda net, x, y: net.norm(y) if x.mean() > 0 else y,
    "any": lambda net, x, y: net.norm(y) if (x > 0).any() else y,
    "item": lambda net, x, y: net.norm(y) if x.sum().item() > 0 else y,
    "float": lambda net, x, y: net.norm(y) if float(x[0, 0]) > 0 else y,
    "int": lambda net, x, y: net.norm(y)[: int(x[0, 0]) + 1],
    "index": lambda net, x, y: net.norm(y)[: x[0, 0].long()],
    "tolist": lambda net, x, y: net.norm(y) if x.tolist()[0][0] > 0 else y,
    "numpy": lambda net, x, y: net.norm(y) if x.numpy().any() else y,
    "equal": lambda net, x, y: net.norm(y) if torch.equal(x, x * 2) else y,
    "allclose": lambda net, x, y: net.norm(y) if x.allclose(x * 2) else y,
    "in": lambda net, x, y: net.norm(y) if 1.0 in x else y,
    "max": lambda net, x, y: net.norm(y) if max(x[0]) > 0 else y,
    "another of them": lambda net, x, y: net.norm(y) if x.shape[0] > 1 else y,
    "one of them": lambda net, x, y: y if x.size(0) == 1 else net.norm(y),
    "len": lambda net, x, y: net.norm(y) if len(x) > 4 else y,
    "numel": lambda net, x, y: net.norm(y) if x.numel() > 40 else y,
    "a shape": lambda net, x, y: net.norm(y) if x.shape != (3, 4) else y,
    "another axis": lambda net, x, y: net.norm(y) if y.mT.shape[1] > 4 else y,
    "half as many": lambda net, x, y: net.norm(y) if x.shape[0] // 2 % 2 else y,
    "computed": lambda net, x, y: net.norm(y) if max(2 * x.shape[0], 9) == 9 else y,
    "a ratio": lambda net, x, y: net.norm(y) if x.shape[0] / 2 > 3 else y,
    "nonzero": lambda net, x, y: net.norm(y) if x.nonzero().shape[0] > 4 else y,
    "where": lambda net, x, y: net.norm(y) if torch.where(x > 0)[0].shape[0] else y,
    "a mask": lambda net, x, y: net.norm(y) if x[x > 0].shape[0] > 3 else y,
    "unique": lambda net, x, y: net.norm(y) if x.unique().numel() > 3 else y,
    "of a layer": lambda net, x, y: net.norm(y) if y.detach().abs().max() > 1 else y,
}
NO_BRANCHES: dict[str, Callable[[Net, Tensor, Tensor], Tensor]] = {
    "size": lambda net, x, y: net.norm(y) if x.shape[1] > 1 else y,
    "view": lambda net, x, y: net.norm(y).view(x.shape[0], -1),
    "as many": lambda net, x, y: net.norm(y) + torch.zeros(x.size(0), 4),
    "merged": lambda net, x, y: net.norm(y).view(2 * x.shape[0], 2).view(-1, 4),
    "alike": lambda net, x, y: net.norm(y) if x.shape == y.shape else y,
    "of torch": lambda net, x, y: net.recurrent(net.norm(y)[None])[0][0],
    "mode": lambda net, x, y: y if net.training else net.norm(y),
    "parameter": lambda net, x, y: net.norm(y) if net.gain > 0 else y,
    "where": lambda net, x, y: torch.where(x > 0, net.norm(y), x),
    "in place": lambda net, x, y: net.norm(y) + x.mul_(2),
    "view in place": lambda net, x, y: net.norm(y) + x.view(-1, 4).add_(1),
}


def made(way: Callable[[Net, Tensor, Tensor], Tensor]) -> tuple[Net, Tensor]:
    with seeded(0, "test decisions"):
        net = Net(way)
    return net, torch.randn(3, 4, generator=stream("test decisions"))


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_on_the_data_is_refused(name: str) -> None:
    with pytest.raises(
        BadModel, match=r"^the model reads what may differ on other data \("
    ):
        fold(*made(BRANCHES[name]))


@pytest.mark.parametrize("name", NO_BRANCHES)
def test_what_is_no_branch_is_folded_and_the_example_stays(name: str) -> None:
    net, x = made(NO_BRANCHES[name])
    before = x.clone()
    lean, report = fold(net, x)
    assert x.equal(before)
    assert report.done == (Folded("norm", "layer"),)
    other = torch.randn(5, 4, generator=stream("other"))
    torch.testing.assert_close(lean(other.clone()), net.eval()(other.clone()))


class Eights(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.view(8, 4))


def test_a_network_for_one_number_of_examples_is_folded() -> None:
    with seeded(0, "test decisions"):
        net = Eights(nn.Linear(4, 3), nn.BatchNorm1d(3))
    assert fold(net, torch.ones(8, 4)).report.done == (Folded("1", "0"),)
