"""A model is tried on one batch, and not harmed by it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from normlab.base.streams import seeded
from normlab.errors import BadModel
from normlab.nets.check import answer, refuse_untrainable


class Returns(nn.Module):
    """Whatever it is told to return, with something to train."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.value = value

    def forward(self, x: Tensor) -> object:
        return self.value


class FailsWhenEvaluating(Returns):
    """Fine in training mode, as a batch norm without statistics may be."""

    def forward(self, x: Tensor) -> object:
        if not self.training:
            raise RuntimeError("no statistics\nfor evaluation")
        return torch.zeros(2, 3)


class Silent(Returns):
    """Fails without a word."""

    def forward(self, x: Tensor) -> object:
        raise AssertionError


class Fixed(Returns):
    """Has a batch size written into it."""

    def forward(self, x: Tensor) -> object:
        return torch.zeros(3, 3)


def check_model(model: nn.Module, examples: int = 2) -> None:
    """Whether a network of 4 inputs and 3 outputs can be trained, in both modes."""
    refuse_untrainable(model)
    for training in (True, False):
        answer(model.train(training), torch.ones(examples, 4), 3)


def test_a_model_that_fits_answers_in_both_modes() -> None:
    with seeded(0, "test check"):
        check_model(nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)))


WRONG = [
    (
        Returns(torch.zeros(2, 4)),
        r"has shape \(2, 4\) where \(2, 3\) .* have 3 outputs",
    ),
    (Returns(torch.zeros(2)), r"has shape \(2,\) where \(2, 3\)"),
    (Returns(torch.zeros(2, 3).long()), "is of type int64, not floating point"),
    (Returns((1, 2)), r"output is a tuple, not a tensor of shape \(2, 3\)"),
    (Returns(None), "output is a NoneType, not a tensor"),
    (
        FailsWhenEvaluating(1),
        "in eval mode .* of shape .2, 4.: RuntimeError: no statistics for eval",
    ),
    (
        Silent(1),
        r"in training mode .* of shape \(2, 4\): AssertionError without a message "
        r"\(test_check\.py, line \d+\)$",
    ),
    (Fixed(1), r"has shape \(3, 3\) where \(2, 3\).* one row for each example"),
    (nn.ReLU(), "no parameter that requires a gradient"),
    (Returns(1).requires_grad_(requires_grad=False), "no parameter that requires"),
    (nn.LazyLinear(3), "has lazy layers, whose size is unknown"),
]


@pytest.mark.parametrize(("model", "text"), WRONG, ids=[text for _, text in WRONG])
def test_what_does_not_fit_is_said_in_one_line(model: nn.Module, text: str) -> None:
    with pytest.raises(BadModel, match=text) as refused:
        check_model(model)
    assert "\n" not in str(refused.value)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_what_torch_jit_compiled_is_refused() -> None:
    with seeded(0, "test check"):
        whole = torch.jit.script(nn.Linear(4, 3))
        traced = torch.jit.trace(nn.Linear(4, 3), torch.ones(2, 4))
    with pytest.raises(BadModel, match=r"^the model is compiled by torch\.jit"):
        refuse_untrainable(whole)
    with pytest.raises(BadModel, match=r"^module '1' is compiled by torch\.jit"):
        refuse_untrainable(nn.Sequential(nn.ReLU(), traced))


def test_a_model_that_cannot_read_the_data_is_refused() -> None:
    with seeded(0, "test check"):
        model = nn.Linear(5, 3)
    with pytest.raises(
        BadModel, match=r"a batch of shape \(2, 4\): RuntimeError: mat1"
    ):
        check_model(model)


def test_a_batch_of_one_shows_what_batch_norm_cannot_do() -> None:
    with seeded(0, "test check"):
        model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    with pytest.raises(BadModel, match="Expected more than 1 value per channel"):
        check_model(model, 1)
