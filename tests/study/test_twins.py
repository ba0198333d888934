"""Twins start equal where they can, and it is proven."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from normlab.base.streams import seeded
from normlab.spec.arms import Arm
from normlab.spec.model import Model
from normlab.spec.nets import NETS
from normlab.spec.norms import FAMILIES
from normlab.study.source import BuiltIn, FromFactory
from normlab.study.twins import (
    build_arm,
    combined,
    own_tensors,
    shared_tensors,
    tensor_digests,
    twin,
)

SHAPE, CLASSES = (1, 28, 28), 10
PLACE = {"shape": SHAPE, "classes": CLASSES}
NONE, BATCH = Arm(name="none", norm="none"), Arm(name="batch", norm="batch")


def arms_of(net: str) -> list[Arm]:
    vectors = {"instance"}  # has no meaning on the vectors of these networks
    names = set(FAMILIES) - (vectors if net != "resnet" else set())
    return [Arm(name=name, norm=name) for name in sorted(names)]


@pytest.mark.parametrize("net", NETS)
def test_every_tensor_outside_of_norms_is_shared_and_equal(net: str) -> None:
    source, arms = BuiltIn(Model(name=net)), arms_of(net)
    models = [build_arm(source, arm, seed=1, **PLACE) for arm in arms]
    shared = shared_tensors(models)
    twins = [twin(source, arm, NONE, seed=1, shared=shared, **PLACE) for arm in arms]
    assert set(shared) == set(own_tensors(models[0]))
    for model in twins[1:]:
        for name in shared:
            assert torch.equal(model.state_dict()[name], twins[0].state_dict()[name])
    digests = {combined(tensor_digests(model, shared)) for model in twins}
    assert len(digests) == 1


def test_other_seeds_start_elsewhere() -> None:
    shared = ("fc1.weight",)
    digests = {
        combined(
            tensor_digests(
                twin(
                    BuiltIn(Model(name="mlp")),
                    BATCH,
                    NONE,
                    seed=seed,
                    shared=shared,
                    **PLACE,
                ),
                shared,
            )
        )
        for seed in range(3)
    }
    assert len(digests) == 3


def test_the_baseline_is_what_its_address_gives() -> None:
    ours = twin(BuiltIn(Model(name="mlp")), NONE, NONE, seed=5, shared=(), **PLACE)
    with seeded(5, "init"):
        plain = nn.Sequential(
            nn.Linear(784, 512), nn.Linear(512, 256), nn.Linear(256, 10)
        )
    assert torch.equal(ours.state_dict()["fc1.weight"], plain[0].weight)
    assert torch.equal(ours.state_dict()["fc3.bias"], plain[2].bias)


def test_adding_an_arm_changes_nobody() -> None:
    shared = ("fc1.weight", "fc2.weight")
    few = twin(BuiltIn(Model(name="mlp")), BATCH, NONE, seed=0, shared=shared, **PLACE)
    build_arm(
        BuiltIn(Model(name="mlp")), Arm(name="layer", norm="layer"), seed=0, **PLACE
    )
    again = twin(
        BuiltIn(Model(name="mlp")), BATCH, NONE, seed=0, shared=shared, **PLACE
    )
    assert combined(tensor_digests(few, shared)) == combined(
        tensor_digests(again, shared)
    )


def test_buffers_outside_of_norms_are_shared_too() -> None:
    class Projected(nn.Module):
        def __init__(self, norm: object) -> None:
            super().__init__()
            self.register_buffer("projection", torch.randn(4, 4))
            self.norm = norm(4)  # type: ignore[operator]

    source = FromFactory(Projected)  # type: ignore[arg-type]
    models = [build_arm(source, arm, seed=0, **PLACE) for arm in (NONE, BATCH)]
    assert shared_tensors(models) == ("projection",)


def test_a_changed_tensor_changes_the_digest() -> None:
    model = twin(BuiltIn(Model(name="mlp")), NONE, NONE, seed=0, shared=(), **PLACE)
    before = tensor_digests(model, ["fc2.bias"])
    with torch.no_grad():
        model.get_parameter("fc2.bias")[3] += 1e-6
    assert tensor_digests(model, ["fc2.bias"]) != before
