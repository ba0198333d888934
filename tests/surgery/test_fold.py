"""Folding keeps the function, takes the norms away, and refuses what it cannot."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from normlab.base.digest import digest
from normlab.base.streams import seeded, stream
from normlab.nets.registry import build
from normlab.norms.recognize import is_norm
from normlab.norms.registry import maker
from normlab.spec.nets import NETS
from normlab.surgery.fold import fold
from normlab.surgery.report import Report


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=stream("test fold"), dtype=torch.float64)


def lived_in(make: Callable[[], nn.Module]) -> nn.Module:
    """A model in float64 whose norms have seen something, as after training."""
    with seeded(0, "test fold"):
        model = make().double()
        for norm in filter(is_norm, model.modules()):
            for tensor in (*norm.parameters(), *norm.buffers()):
                if tensor.is_floating_point():
                    tensor.data.uniform_(0.5, 2)
    return model


def pair(layer: nn.Module, norm: nn.Module) -> nn.Sequential:
    return nn.Sequential(layer, norm, nn.ReLU())


FOLDABLE = [
    (lambda: pair(nn.Linear(4, 6), nn.BatchNorm1d(6)), (5, 4)),
    (lambda: pair(nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6)), (5, 4)),
    (lambda: pair(nn.Linear(4, 6), nn.BatchNorm1d(6, affine=False)), (5, 4)),
    (lambda: pair(nn.Linear(4, 6), nn.BatchNorm1d(6, eps=0.5)), (5, 4)),
    (lambda: pair(nn.Conv1d(4, 6, 3), nn.BatchNorm1d(6)), (2, 4, 5)),
    (lambda: pair(nn.Conv2d(4, 6, 3, groups=2), nn.BatchNorm2d(6)), (2, 4, 5, 5)),
    (lambda: pair(nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6)), (2, 4, 5, 5)),
    (lambda: pair(nn.Conv3d(2, 6, 2), nn.BatchNorm3d(6)), (2, 2, 3, 3, 3)),
    (lambda: pair(nn.ConvTranspose1d(4, 6, 3), nn.BatchNorm1d(6)), (2, 4, 5)),
    (
        lambda: pair(
            nn.ConvTranspose2d(4, 6, 3, groups=2, stride=2), nn.BatchNorm2d(6)
        ),
        (2, 4, 5, 5),
    ),
    (lambda: pair(nn.ConvTranspose3d(2, 6, 2), nn.BatchNorm3d(6)), (2, 2, 3, 3, 3)),
    (
        lambda: nn.Sequential(nn.Linear(4, 6), nn.Dropout(), nn.BatchNorm1d(6)),
        (5, 4),
    ),
    (
        lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 6)), pair(
            nn.BatchNorm1d(6), nn.Identity())),
        (5, 4),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("make", "shape"), FOLDABLE)
def test_folding_keeps_the_function(
    make: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    model, x = lived_in(make), drawn(*shape)
    expected = deepcopy(model).eval()(x)
    lean, report = fold(model, x)
    assert len(report.done) == 1
    assert not any(map(is_norm, lean.modules()))
    # two roundings instead of one for each of at most 36 products
    torch.testing.assert_close(lean(x), expected, rtol=1e-13, atol=1e-13)
    assert report.largest_change <= 1e-13


@pytest.mark.parametrize("name", NETS)
def test_every_net_folds_completely(name: str) -> None:
    model = lived_in(lambda: build(name, maker("batch"), (1, 14, 14), 10))
    x = drawn(4, 1, 14, 14)
    norms = [path for path, module in model.named_modules() if is_norm(module)]
    lean, report = fold(model, x)
    assert [edit.norm for edit in report.done] == norms
    assert report.left == ()
    torch.testing.assert_close(lean(x), model.eval()(x), rtol=1e-12, atol=1e-12)


def test_folding_in_single_precision_costs_rounding_only() -> None:
    model = lived_in(lambda: build("mlp", maker("batch"), (20,), 10)).float()
    x = drawn(4, 20).float()
    lean, report = fold(model, x)
    torch.testing.assert_close(lean(x), model.eval()(x), rtol=1e-5, atol=1e-5)
    assert 0 < report.largest_change < 1e-5


def test_the_model_is_left_as_it_was() -> None:
    model = lived_in(lambda: build("resnet", maker("batch"), (1, 8, 8), 3)).train()
    before = {name: digest(t) for name, t in model.state_dict().items()}
    lean, _ = fold(model, drawn(2, 1, 8, 8))
    assert {name: digest(t) for name, t in model.state_dict().items()} == before
    assert all(module.training for module in model.modules())
    assert not any(module.training for module in lean.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in lean.modules())


def test_a_model_without_batch_norm_comes_back_as_a_copy() -> None:
    model = lived_in(lambda: build("mlp", maker("none"), (20,), 10))
    lean, report = fold(model, drawn(2, 20))
    assert report == Report("fold", largest_change=0.0)
    assert lean is not model


class Net(nn.Module):
    """A layer and its norm, and something that stands in the way of folding."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.layer = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.other = nn.Linear(4, 4)
        if kind == "tied":
            self.other.weight = self.layer.weight

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self, f"_{self.kind}")(x)

    def _tied(self, x: Tensor) -> Tensor:
        return self.other(self.norm(self.layer(x)))

    def _added(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        return self.norm(x) + x

    def _read(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        return self.norm(x) + self.other(x)

    def _norm_twice(self, x: Tensor) -> Tensor:
        return self.norm(self.norm(self.layer(x)))

    def _layer_twice(self, x: Tensor) -> Tensor:
        return self.norm(self.layer(self.layer(x)))

    def _never(self, x: Tensor) -> Tensor:
        return self.layer(x)

    def _changed(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        return self.norm(x.add_(1))

    def _relu_between(self, x: Tensor) -> Tensor:
        return self.norm(self.layer(x).relu())


KEPT = [
    ("tied", "'layer' shares its weight with another layer"),
    ("added", "the output of 'layer' is used elsewhere too: add"),
    ("read", "the output of 'layer' is used elsewhere too: linear in 'other'"),
    ("norm_twice", "it runs 2 times, not once"),
    ("layer_twice", "'layer' runs 2 times"),
    ("never", "the example does not reach it"),
    ("changed", "the output of 'layer' is used elsewhere too: add"),
    ("relu_between", "no linear or convolutional layer feeds it directly"),
]


@pytest.mark.parametrize(("kind", "reason"), KEPT)
def test_what_cannot_be_folded_stays_with_its_reason(kind: str, reason: str) -> None:
    model, x = lived_in(lambda: Net(kind)), drawn(5, 4)
    lean, report = fold(model, x)
    assert report.left == (("norm", reason),)
    assert report.done == ()
    assert lean(x).equal(model.eval()(x))


def test_a_norm_without_running_statistics_stays() -> None:
    norm = nn.BatchNorm1d(6, track_running_stats=False)
    model = lived_in(lambda: pair(nn.Linear(4, 6), norm))
    _, report = fold(model, drawn(5, 4))
    assert report.left == (("1", "it keeps no running statistics to fold in"),)


def test_a_norm_over_another_axis_stays() -> None:
    # a linear layer puts its features last, the norm takes them at axis 1
    model = lived_in(lambda: pair(nn.Linear(4, 6), nn.BatchNorm1d(6)))
    _, report = fold(model, drawn(5, 6, 4))
    assert report.left == (("1", "it normalises another axis than '0' puts out"),)


class Doubling(nn.Linear):
    """A subclass that does something else with its weight."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x) + 1


def test_a_layer_of_the_users_own_is_left_alone() -> None:
    model = lived_in(lambda: pair(Doubling(4, 6), nn.BatchNorm1d(6)))
    _, report = fold(model, drawn(5, 4))
    assert "'0' is a Doubling, which may use its weight" in report.left[0].reason


class Amplified(nn.Module):
    """What is behind a layer and its norm makes much of their last digits."""

    def __init__(self, *, wrong: bool) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(4, 6), nn.BatchNorm1d(6)
        self.wrong = wrong

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.layer(x))
        if self.wrong:  # by the layer's weight, which folding changes
            y = y + 1e-4 * self.layer.weight.sum()
        return torch.sin(2e4 * y)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("wrong", [False, True])
def test_rounding_is_told_from_another_function(
    dtype: torch.dtype, *, wrong: bool
) -> None:
    net = lived_in(lambda: Amplified(wrong=wrong)).eval().to(dtype)
    x = drawn(5, 4).to(dtype)
    lean, report = fold(net, x)
    if wrong:
        (left,) = report.left
        assert left.reason.endswith("the network would compute something else")
        return
    assert [str(one) for one in report.done] == ["norm folded into layer"]
    hidden = nn.Sequential(lean.layer, lean.norm)(x)
    expected = net.norm(net.layer(x))
    torch.testing.assert_close(hidden, expected)
    if dtype == torch.float32:  # so that the answer itself could not tell
        assert (lean(x) - net(x)).abs().max() > 1e3 * torch.finfo(dtype).eps
