"""Equal content has an equal digest, wherever it was written; other content another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, nll_loss
from torch.optim import SGD

from normlab.base.content import content_digest, module_content
from normlab.base.streams import seeded

WEIGHT = 2.0

PLAIN = """
def loss(outputs, labels):
    return outputs.sum() * 2
"""
COMMENTED = '''

# moved down, and into a function
def outer():
    def loss(outputs, labels):
        """Explained."""
        # and why
        return outputs.sum() * 2
    return loss
loss = outer()
'''


def made(text: str, **names: object) -> Callable[..., object]:
    known = dict(names)
    exec(compile(text, "<made>", "exec"), known)
    return known["loss"]  # type: ignore[return-value]


class Loss:
    def __init__(self, share: float) -> None:
        self.share = share

    def __call__(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.share * cross_entropy(outputs, labels)


class Half(Loss):
    def __call__(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return super().__call__(outputs, labels) / 2


def scaled(by: float) -> Callable[..., object]:
    return lambda outputs, labels: by * cross_entropy(outputs, labels)


EQUAL = {
    "moved and commented": lambda: (made(PLAIN), made(COMMENTED)),
    "a closure": lambda: (scaled(2.0), scaled(2.0)),
    "a partial": lambda: (partial(SGD, momentum=0.5), partial(SGD, momentum=0.5)),
    "an object": lambda: (Loss(0.5), Loss(0.5)),
    "a torch loss": lambda: (nn.CrossEntropyLoss(), nn.CrossEntropyLoss()),
    "a set": lambda: (partial(SGD, names={"b", "a"}), partial(SGD, names={"a", "b"})),
}
OTHER = {
    "code": lambda: (made(PLAIN), made(PLAIN.replace("2", "3"))),
    "a name that it calls": lambda: (made(PLAIN), made(PLAIN.replace("sum", "mean"))),
    "a closure": lambda: (scaled(2.0), scaled(3.0)),
    "a global value": lambda: (
        made(PLAIN.replace("2", "WEIGHT"), WEIGHT=2.0),
        made(PLAIN.replace("2", "WEIGHT"), WEIGHT=3.0),
    ),
    "a partial": lambda: (partial(SGD, momentum=0.5), partial(SGD, momentum=0.9)),
    "what a partial calls": lambda: (partial(cross_entropy), partial(nll_loss)),
    "an object": lambda: (Loss(0.5), Loss(0.7)),
    "a class": lambda: (Loss(0.5), Half(0.5)),
    "a torch loss": lambda: (
        nn.CrossEntropyLoss(label_smoothing=0.1),
        nn.CrossEntropyLoss(label_smoothing=0.3),
    ),
    "a tensor": lambda: (
        nn.CrossEntropyLoss(weight=torch.ones(2)),
        nn.CrossEntropyLoss(weight=torch.zeros(2)),
    ),
}


@pytest.mark.parametrize("pair", EQUAL.values(), ids=EQUAL)
def test_equal_content_has_an_equal_digest(pair: Callable[[], tuple]) -> None:
    one, other = pair()
    assert content_digest(one) == content_digest(other)


@pytest.mark.parametrize("pair", OTHER.values(), ids=OTHER)
def test_other_content_has_another(pair: Callable[[], tuple]) -> None:
    one, other = pair()
    assert content_digest(one) != content_digest(other)


def test_what_holds_itself_comes_to_an_end() -> None:
    one, other = Loss(0.5), Loss(0.5)
    one.share, other.share = [one], [other]  # type: ignore[assignment]
    assert content_digest(one) == content_digest(other)


def test_an_empty_cell_and_a_module_in_a_closure_are_no_trouble() -> None:
    def made_with(module: object) -> Callable[..., object]:
        def loss() -> object:
            return module, later

        if module is None:
            later = 1
        return loss

    assert content_digest(made_with(torch)) == content_digest(made_with(torch))
    assert content_digest(made_with(torch)) != content_digest(made_with(nn))


def test_modules_count_by_their_class_and_attributes_not_by_how_they_print() -> None:
    class Printed(nn.ReLU):
        def extra_repr(self) -> str:
            return f"at {id(self):x}"

    with seeded(0, "content"):
        one, other, third = (
            nn.Sequential(nn.Linear(2, 2), layer)
            for layer in (Printed(), Printed(), nn.LeakyReLU())
        )
    assert module_content(one) == module_content(other)
    assert module_content(one) != module_content(third)
    slopes = nn.LeakyReLU(0.1), nn.LeakyReLU(0.2)
    assert module_content(slopes[0]) != module_content(slopes[1])
