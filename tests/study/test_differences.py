"""What arms differ in beside their norms is named; what they have in common is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from normlab.base.slots import NormMaker
from normlab.spec.arms import Arm
from normlab.spec.norms import FAMILIES
from normlab.study.differences import differences, other_norms
from normlab.study.source import FromFactory
from normlab.study.twins import build_arm, shared_tensors, twin

NONE = Arm(name="none", norm="none")


def none(norm: NormMaker) -> bool:
    return isinstance(norm(4), nn.Identity)


def plain(norm: NormMaker, *more: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), norm(4), *more)


def deeper(norm: NormMaker) -> nn.Module:
    return plain(norm, *([] if none(norm) else [nn.ReLU(), nn.Linear(4, 4)]))


def wider(norm: NormMaker) -> nn.Module:
    return nn.Sequential(plain(norm), nn.Linear(4, 2 if none(norm) else 3))


def another_layer(norm: NormMaker) -> nn.Module:
    return plain(norm, nn.ReLU() if none(norm) else nn.Sigmoid())


def attribute(norm: NormMaker) -> nn.Module:
    model = plain(norm)
    model.scale = 1.0 if none(norm) else 2.0
    return model


def drawn_behind_more(norm: NormMaker) -> nn.Module:
    model = plain(norm, nn.ModuleList([] if none(norm) else [nn.Linear(4, 4)]))
    model.noise = torch.randn(3)
    return model


def buffer(norm: NormMaker) -> nn.Module:
    model = plain(norm)
    if none(norm):
        model.register_buffer("mask", torch.ones(2), persistent=False)
    return model


def listed(norm: NormMaker) -> nn.Module:
    model = plain(norm)
    model.norms = [model[1]]
    return model


CASES: list[tuple[Callable[[NormMaker], nn.Module], list[str]]] = [
    (plain, []),
    (listed, []),
    (deeper, ["only batch: 2 (ReLU), 3 (Linear)"]),
    (
        wider,
        [
            "of another shape none and batch: 1.weight ((2, 4) and (3, 4)), "
            "1.bias ((2,) and (3,))"
        ],
    ),
    (another_layer, ["of another kind none and batch: 2 (ReLU and Sigmoid)"]),
    (attribute, ["of another value none and batch: scale"]),
    (
        drawn_behind_more,
        [
            "only batch: 2.0 (Linear)",
            "of another value none and batch: noise",
        ],
    ),
    (buffer, ["only none: mask"]),
]


@pytest.mark.parametrize(("make", "named"), CASES)
def test_what_only_one_arm_has_is_named(
    make: Callable[[NormMaker], nn.Module], named: list[str]
) -> None:
    source, batch = FromFactory(make), Arm(name="batch", norm="batch")
    place = {"seed": 0, "shape": (4,), "classes": 4}
    shared = shared_tensors([build_arm(source, arm, **place) for arm in (NONE, batch)])
    one, other = (
        twin(source, arm, NONE, shared=shared, **place) for arm in (NONE, batch)
    )
    assert differences(one, other, ("none", "batch")) == named


@pytest.mark.parametrize("name", FAMILIES)
def test_norms_that_were_asked_for_are_no_others(name: str) -> None:
    def make(norm: NormMaker) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 4, 1), norm(4, dims=2), nn.BatchNorm2d(4))

    model = build_arm(
        FromFactory(make), Arm(name=name, norm=name), seed=0, shape=(1, 2, 2), classes=4
    )
    assert other_norms(model) == ("2 (BatchNorm2d)",)


def test_a_norm_that_nobody_knows_goes_by_its_name() -> None:
    class FrozenBatchNorm2d(nn.Module):
        pass

    class NormBlock(nn.Sequential):
        pass

    block = NormBlock(FrozenBatchNorm2d(), nn.LocalResponseNorm(2), nn.Identity())
    assert other_norms(block) == ("0 (FrozenBatchNorm2d)", "1 (LocalResponseNorm)")
