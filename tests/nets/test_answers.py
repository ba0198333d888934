"""The part of an answer that holds the scores, wherever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pickle import dumps, loads
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from normlab.base.streams import seeded
from normlab.errors import BadModel
from normlab.nets.answers import answering
from normlab.nets.check import answer

pytestmark = pytest.mark.usefixtures("drawn")
X = torch.ones(2, 4)


@pytest.fixture
def drawn() -> Iterator[None]:
    """What a test draws, it draws for itself."""
    with seeded("answers"):
        yield


@dataclass
class Data:
    logits: Tensor


class Named(NamedTuple):
    loss: None
    logits: Tensor


class Plain:
    def __init__(self, logits: Tensor) -> None:
        self.logits = logits


SHAPES: dict[str, tuple[Callable[[Tensor], Any], Any]] = {
    "dict": (lambda y: {"logits": y, "other": -y}, "logits"),
    "nested": (lambda y: {"out": [-y, {"logits": y}]}, "out.1.logits"),
    "whole number": (lambda y: {7: y}, "7"),
    "tuple": (lambda y: (-y, y), "1"),
    "list": (lambda y: [y], "0"),
    "dataclass": (Data, "logits"),
    "named tuple": (lambda y: Named(None, y), "logits"),
    "named tuple by place": (lambda y: Named(None, y), "1"),
    "object": (Plain, "logits"),
    "function": (lambda y: (y, y), lambda made: made[0]),
    "tensor": (lambda y: y, "logits"),
}


class Answering(nn.Linear):
    def __init__(self, form: Callable[[Tensor], Any]) -> None:
        super().__init__(4, 3)
        nn.init.constant_(self.weight, 0.5)
        nn.init.zeros_(self.bias)
        self.form = form

    def forward(self, x: Tensor) -> Any:  # type: ignore[override]
        return self.form(super().forward(x))


@pytest.mark.parametrize("case", SHAPES)
def test_the_part_is_what_the_layer_makes_under_its_own_names(case: str) -> None:
    form, part = SHAPES[case]
    net = answering(Answering(form), part)
    assert torch.equal(answer(net, X, 3), torch.full((2, 3), 2.0))
    assert {*net.state_dict()} == {"weight", "bias"}
    assert torch.equal(deepcopy(net)(X), net(X))


def test_it_travels_with_the_network() -> None:
    again = loads(dumps(answering(Sure(), "scores")))  # noqa: S301
    assert torch.equal(again(X), X)


class Sure(nn.Module):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"scores": x}


REFUSED: dict[str, tuple[Any, str]] = {
    "no part named": (None, r"a dict, not a tensor .* scores \(2, 4\).*output scores"),
    "another part": ("logits", r"no tensor 'logits'\. It holds scores \(2, 4\)"),
    "a function that fails": (lambda made: made[0], r"model_output failed with KeyErr"),
    "a function that picks none": (lambda made: made, "a dict, not a tensor"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_holds_no_scores_is_refused_in_one_line(case: str) -> None:
    part, text = REFUSED[case]
    with pytest.raises(BadModel, match=text) as refused:
        answer(answering(Sure(), part), X, 4)
    assert "\n" not in str(refused.value)
