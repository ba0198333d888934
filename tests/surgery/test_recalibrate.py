"""Statistics of data: against whole tables in float64, and nothing else is touched."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import normlab
from normlab.base.streams import seeded, stream
from normlab.errors import BadData, BadModel, BadSetting
from normlab.norms.frozen import FrozenBatchNorm
from normlab.norms.masked import MaskedBatchNorm
from normlab.surgery.holding import hold
from normlab.surgery.recalibrate import recalibrate


def made(kind: Callable[[], nn.Module]) -> nn.Module:
    with seeded(0, "init"):
        return kind()


def mlp() -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            fc1=nn.Linear(5, 7),
            norm1=nn.BatchNorm1d(7),
            act=nn.ReLU(),
            drop=nn.Dropout(0.5),
            fc2=nn.Linear(7, 3),
            norm2=nn.BatchNorm1d(3, momentum=None),
        )
    )


def conv() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, momentum=0.0), nn.ReLU())


def table(*shape: int) -> Tensor:
    return 3 * torch.randn(*shape, generator=stream("x")) + 2


def loader(x: Tensor) -> DataLoader[Any]:
    return DataLoader(TensorDataset(x, torch.zeros(len(x))), batch_size=8)


def of(rows: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean and unbiased variance of a table, features second, in float64."""
    values = np.moveaxis(rows.detach().double().numpy(), 1, -1)
    values = values.reshape(-1, values.shape[-1])
    return values.mean(0), values.var(0, ddof=1)


def assert_statistics(norm: nn.Module, rows: Tensor) -> None:
    for found, expected in zip(
        (norm.running_mean, norm.running_var), of(rows), strict=True
    ):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("layerwise", [False, True])
def test_the_first_norm_gets_the_statistics_of_the_whole_table(layerwise: bool) -> None:
    net, x = made(conv), table(30, 2, 6, 6)
    new, report = recalibrate(net, loader(x), layerwise=layerwise)
    assert_statistics(new[1], net[0](x))
    assert report.counts == {"1": 30 * 4 * 4}
    assert new[1].num_batches_tracked == 4
    assert report.batches == 4


def test_in_one_pass_later_norms_see_what_the_batches_made_of_earlier_ones() -> None:
    net, x = made(mlp), table(30, 5)
    new, _ = recalibrate(net, loader(x))
    hidden = []
    for part in x.split(8):
        h = net.fc1(part).double()
        h = (h - h.mean(0)) / (h.var(0, correction=0) + 1e-5).sqrt()
        hidden.append(net.fc2.double()(h.relu()))
        net.fc2.float()
    assert_statistics(new.norm2, torch.cat(hidden))


def test_layer_by_layer_they_see_what_inference_makes_of_them() -> None:
    net, x = made(mlp), table(30, 5)
    new, _ = recalibrate(net, loader(x), layerwise=True)
    # the law: at inference, what enters each norm has the statistics that it stores
    new.eval()
    entered: dict[str, Tensor] = {}
    for name in ("norm1", "norm2"):
        new.get_submodule(name).register_forward_pre_hook(
            lambda _, args, name=name: entered.__setitem__(name, args[0])
        )
    new(x)
    for name, rows in entered.items():
        assert_statistics(new.get_submodule(name), rows)


def test_one_batch_of_all_is_what_training_normalises_by() -> None:
    net, x = made(mlp).eval(), table(64, 5)
    new, _ = recalibrate(net, [x])
    trained = deepcopy(net)
    trained.norm1.train()
    trained.norm2.train()
    with torch.no_grad():
        expected, found = trained(x), new(x)
    # but for biased and unbiased variance, 63 to 64, in two layers
    torch.testing.assert_close(found, expected, rtol=0.03, atol=0.03)


@pytest.mark.parametrize("training", [True, False])
def test_nothing_but_statistics_differs_and_the_given_model_is_as_it_was(
    training: bool,
) -> None:
    net = made(mlp).train(training)
    net.drop.train(not training)
    before = deepcopy(net.state_dict())
    state = torch.get_rng_state()
    new, _ = recalibrate(net, loader(table(30, 5)))
    assert torch.get_rng_state().equal(state)
    assert all(t.equal(before[n]) for n, t in net.state_dict().items())
    touched = {
        name
        for name, tensor in new.state_dict().items()
        if not tensor.equal(before[name])
    }
    assert {name.rpartition(".")[2] for name in touched} == {
        "running_mean",
        "running_var",
        "num_batches_tracked",
    }
    modes = [m.training for m in net.modules()]
    assert [m.training for m in new.modules()] == modes
    assert not any(m._forward_pre_hooks for m in (*net.modules(), *new.modules()))
    assert all(p.requires_grad for p in new.parameters())


def test_a_forward_that_fails_leaves_no_trace() -> None:
    net = made(mlp)
    before = deepcopy(net.state_dict())
    with pytest.raises(BadModel, match=r"cannot read batch 2: .* forward=lambda model"):
        recalibrate(net, [table(8, 5), table(8, 4)])
    assert all(t.equal(before[n]) for n, t in net.state_dict().items())


class Keyword(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(5)

    def forward(self, values: Tensor, factor: float = 1.0) -> dict[str, Tensor]:
        return {"logits": self.norm(factor * values)}


@pytest.mark.parametrize(
    ("batch", "forward", "factor"),
    [
        (lambda x: x, None, 1),
        (lambda x: [x, "label"], None, 1),
        (lambda x: (x, 2.0), None, 2),
        (lambda x: {"values": x, "factor": 3.0}, None, 3),
        (lambda x: {"deep": [{"x": x}]}, lambda m, b: m(b["deep"][0]["x"], 4.0), 4),
    ],
)
def test_batches_of_every_kind(batch: Any, forward: Any, factor: float) -> None:
    x = table(20, 5)
    parts = [batch(part) for part in x.split(8)]
    new, _ = recalibrate(made(Keyword), parts, forward)
    assert_statistics(new.norm, factor * x)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(5)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x) - self.norm(2 * x + 1)


def test_a_norm_that_is_called_twice_gets_the_statistics_of_both_calls() -> None:
    x = table(20, 5)
    new, report = recalibrate(made(Twice), x.split(8))
    assert_statistics(new.norm, torch.cat([x, 2 * x + 1]))
    assert report.counts == {"norm": 40}


def test_a_limit_of_batches_also_of_an_endless_source() -> None:
    x = table(24, 5)
    endless = (x[8 * (i % 3) :][:8] for i in iter(int, 1))  # pragma: no cover
    new, report = recalibrate(made(Keyword), x.split(8), batches=2)
    assert_statistics(new.norm, x[:16])
    assert report.batches == 2
    _, report = recalibrate(made(Keyword), endless, batches=3)
    assert report.batches == 3


def test_padding_is_left_out_by_a_mask() -> None:
    net = nn.Sequential(nn.BatchNorm1d(3))
    x = table(6, 3, 7)
    valid = torch.rand(6, 7, generator=stream("mask")) < 0.6
    batch = {"x": torch.where(valid[:, None], x, 1e4), "valid": valid}
    new, report = recalibrate(
        net, [batch], lambda m, b: m(b["x"]), mask=lambda b: b["valid"]
    )
    assert_statistics(new[0], x.movedim(1, -1)[valid])
    assert report.counts == {"0": int(valid.sum())}


def test_a_masked_norm_goes_by_the_mask_of_its_call() -> None:
    x = table(6, 3, 7)
    valid = torch.rand(6, 7, generator=stream("mask")) < 0.6
    new, _ = recalibrate(MaskedBatchNorm(3), [(x, valid)])
    assert_statistics(new, x.movedim(1, -1)[valid])


def test_means_far_from_zero_keep_their_digits() -> None:
    x = (1e6 + torch.randn(4000, 2, generator=stream("x"))).float()
    new, _ = recalibrate(nn.BatchNorm1d(2), x.split(7))
    np.testing.assert_allclose(new.running_var, of(x)[1], rtol=1e-6)


class Odd(nn.Module):
    """Norms that are left alone, each for a reason of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.BatchNorm1d(5)
        self.frozen = FrozenBatchNorm(5)
        self.instance = nn.InstanceNorm1d(5, track_running_stats=True)
        self.bare = nn.BatchNorm1d(5, track_running_stats=False)
        self.unused = nn.BatchNorm1d(5)
        self.held = hold(nn.BatchNorm1d(5), statistics=True, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.bare(self.held(self.frozen(self.first(x))))


def test_what_is_left_alone_is_named_with_its_reason() -> None:
    net, x = Odd(), table(20, 5)
    new, report = recalibrate(net, [x])
    assert report.left == (
        ("frozen", "it is frozen"),
        ("instance", "InstanceNorm1d is not made from torch's batch norm"),
        ("bare", "it keeps no statistics"),
        ("unused", "no batch reaches it"),
        ("held", "it is frozen"),
    )
    assert [one.path for one in report.done] == ["first"]
    assert str(report).splitlines()[0] == "recalibrate: 1 done, 5 left, 1 batches"
    assert "left unused: no batch reaches it" in str(report)
    for name in ("frozen", "instance", "unused", "held"):
        old, now = net.get_submodule(name), new.get_submodule(name)
        assert all(t.equal(now.state_dict()[n]) for n, t in old.state_dict().items())


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"batches": 0}, BadSetting, "batches=0 must be at least 1"),
        ({"data": []}, BadData, "data holds no batch. Give at least one"),
        (
            {"data": iter([torch.ones(4, 5)]), "layerwise": True},
            BadData,
            "data can be gone through once only, and layerwise=True",
        ),
        (
            {"data": [torch.full((4, 5), torch.inf)]},
            BadData,
            "batch 1 makes values that are not finite in front of 'norm1'",
        ),
        (
            {"mask": lambda _: torch.ones(3) > 0},
            BadData,
            r"the mask is torch.bool of shape \(3,\), and 'norm1' normalises values of",
        ),
    ],
)
def test_bad_input(arguments: dict[str, Any], error: type[Exception], text: str):
    with pytest.raises(error, match=text):
        recalibrate(made(mlp), **{"data": [table(8, 5)], **arguments})


def test_it_is_public() -> None:
    assert normlab.recalibrate is recalibrate


@pytest.mark.parametrize(
    "wrap", [nn.DataParallel, lambda net: torch.compile(net, backend="eager")]
)
def test_wrappers_are_looked_through(wrap: Any) -> None:
    with seeded("wrapped"):
        net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
        batches = [torch.randn(8, 4) for _ in range(3)]
    expected, _ = recalibrate(net, batches)
    new, report = recalibrate(wrap(net), batches)
    assert [one.path for one in report.done] == ["1"]
    for name, tensor in expected.state_dict().items():
        assert torch.equal(new.state_dict()[name], tensor)
