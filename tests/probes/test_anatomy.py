from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from normlab.base.streams import seeded
from normlab.nets.registry import build
from normlab.norms.registry import maker
from normlab.probes.anatomy import Anatomy, trace_modules
from tests.probes.cases import WEIGHTS, batch, bits, small


def paths(places: object) -> list[str]:
    return [str(place) for place in places]  # type: ignore[attr-defined]


class Branches(nn.Module):
    """Defined in another order than used; one ReLU serves twice."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 3)
        self.relu = nn.ReLU()
        self.second = nn.Linear(4, 4)
        self.first = nn.Linear(5, 4)
        self.never = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.first(x))
        return self.last(self.relu(self.second(x)))


class Functional(nn.Module):
    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(5, 4), norm, nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(functional.relu(self.norm(self.first(x))))


@pytest.fixture(autouse=True)
def _weights_by_address() -> Iterator[None]:
    with seeded(0, "anatomy"):
        yield


def studied(model: nn.Module) -> Anatomy:
    return trace_modules(model, batch(4)[0].to(next(model.parameters()).dtype))


def test_places_come_in_order_of_first_execution() -> None:
    anatomy = studied(Branches())
    assert paths(anatomy.hidden) == ["relu", "relu#2"]


def test_layers_come_in_order_of_first_execution_whatever_their_definition() -> None:
    model = Branches()
    names = [name for name, _ in model.named_parameters()]
    weights = studied(model).weights(names, model)
    used = [name for name in weights if "never" not in name]
    assert used == ["first.weight", "second.weight", "last.weight"]


def test_biases_and_norms_are_no_weights() -> None:
    model = small()
    names = [name for name, _ in model.named_parameters()]
    assert studied(model).weights(names, model) == WEIGHTS


def test_without_nonlinearity_modules_the_outputs_of_norms_stand_in() -> None:
    anatomy = studied(Functional(nn.BatchNorm1d(4)))
    assert anatomy.seen_behind and paths(anatomy.hidden) == ["norm"]


def test_and_in_the_arm_without_norms_the_identity_in_their_slot() -> None:
    anatomy = studied(Functional(nn.Identity()))
    assert anatomy.seen_behind and paths(anatomy.hidden) == ["norm"]


def test_rows_in_front_of_batch_norm_are_scale_invariant() -> None:
    assert studied(small("batch")).scale_invariant == ("0.weight", "3.weight")


def test_rows_in_front_of_layer_norm_or_none_are_not() -> None:
    assert studied(small("layer")).scale_invariant == ()
    assert studied(small("none")).scale_invariant == ()


def test_rows_in_front_of_a_frozen_norm_are_not() -> None:
    model = small("batch")
    model[1].eval()
    assert studied(model).scale_invariant == ("3.weight",)


def test_rows_that_are_computed_from_others_are_no_parameters() -> None:
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(5, 4))
    anatomy = studied(nn.Sequential(normed, nn.BatchNorm1d(4), nn.Linear(4, 3)))
    assert anatomy.scale_invariant == ()


def test_weights_that_are_not_trained_are_not_looked_at() -> None:
    model = small("batch")
    names = [name for name, _ in model.named_parameters()]
    every = studied(model).weights(names, model)
    dict(model.named_parameters())[every[0]].requires_grad_(requires_grad=False)
    assert studied(model).weights(names, model) == every[1:]


def test_a_shortcut_in_between_spoils_scale_invariance() -> None:
    model = build("resnet", maker("batch"), (1, 12, 12), 4)
    anatomy = trace_modules(model, torch.zeros(2, 1, 12, 12))
    # every convolution has a norm of its own behind it; the last layer has none
    assert len(anatomy.scale_invariant) == 9
    assert "fc.weight" not in anatomy.scale_invariant


def test_looking_leaves_the_model_as_it_was() -> None:
    model = small()
    before = bits(model)
    studied(model)
    assert bits(model) == before and model.training
