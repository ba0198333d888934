"""Taps see everything, change nothing and leave nothing."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from normlab.base.streams import seeded, stream
from normlab.base.taps import tapped
from normlab.errors import BadModel


def network() -> nn.Sequential:
    with seeded(0, "test taps"):
        return nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True), nn.Linear(3, 2))


def batch() -> Tensor:
    return torch.randn(4, 3, generator=stream("test taps"))


def hooks(model: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks)
        for module in model.modules()
    )


def test_a_tap_sees_the_very_tensors_that_flow() -> None:
    model, left, entered = network(), [], []
    with tapped(model, outputs={"0": left.append}, inputs={"1": entered.append}):
        model(batch())
    assert left[0] is entered[0]
    assert left[0].grad_fn is not None


def test_an_input_is_seen_before_a_module_changes_it_in_place() -> None:
    model, smallest = network(), []
    with tapped(model, inputs={"1": lambda x: smallest.append(x.min().item())}):
        model(batch())
    assert smallest[0] < 0


def test_what_a_tap_returns_is_ignored() -> None:
    model = network()
    expected = model(batch())
    with tapped(model, inputs={"2": torch.zeros_like}, outputs={"0": torch.zeros_like}):
        assert model(batch()).equal(expected)


def test_no_hook_outlives_its_block() -> None:
    model = network()
    with tapped(model, inputs={"0": print}, outputs={"1": print, "2": print}):
        assert hooks(model) == 3
    assert hooks(model) == 0


def _fail(_: object) -> None:
    raise ZeroDivisionError


def _run(model: nn.Module) -> None:
    with tapped(model, inputs={"0": _fail}):
        model(batch())


def test_no_hook_outlives_an_error() -> None:
    model = network()
    with pytest.raises(ZeroDivisionError):
        _run(model)
    assert hooks(model) == 0


def test_a_copy_made_inside_calls_nobody_behind() -> None:
    model, seen = network(), []
    with tapped(model, outputs={"0": seen.append}):
        copy = deepcopy(model)
    copy(batch())
    assert seen == []


def test_a_users_own_hooks_stay() -> None:
    model = network()
    model[0].register_forward_hook(lambda *_: None)
    with tapped(model, outputs={"0": print}):
        pass
    assert hooks(model) == 1


def test_a_tap_on_a_module_that_is_not_there_is_refused_and_leaves_nothing() -> None:
    model = network()
    with (
        pytest.raises(
            BadModel, match=r"no module 'fc1' to look at\. It has: 0, 1, 2\."
        ),
        tapped(model, inputs={"0": print}, outputs={"fc1": print}),
    ):
        pass
    assert hooks(model) == 0


class Keywords(nn.Module):
    """Calls its parts by keyword, and with nothing at all."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Identity()
        self.source = Source()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(input=x) + self.source()


class Source(nn.Module):
    def forward(self) -> Tensor:
        return torch.ones(1)


def test_an_argument_given_by_keyword_is_seen_and_none_where_there_is_none() -> None:
    seen: list[object] = []
    model, x = Keywords(), batch()
    with tapped(model, inputs={"inner": seen.append, "source": seen.append}):
        model(x)
    assert seen[0] is x
    assert seen[1] is None
