"""Whatever happens to a preserved model, it comes back bit for bit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from normlab.base.hold import preserved
from normlab.base.streams import seeded, stream


def network() -> nn.Sequential:
    """Batch norm awake and frozen, dropout, a gradient, a fixed parameter."""
    with seeded(0, "test hold"):
        model = nn.Sequential(
            nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(), nn.ReLU(),
            nn.Linear(5, 3), nn.BatchNorm1d(3),
        )  # fmt: skip
    model[5].eval()
    model[4].bias.requires_grad = False
    model[0].weight.grad = torch.full((5, 4), 0.25)
    return model


def batch() -> Tensor:
    return torch.randn(8, 4, generator=stream("test hold"))


def bits(model: nn.Module) -> dict[str, object]:
    """Everything that `preserved` promises to bring back, as plain values."""
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    return {
        "tensors": {name: (id(t), t.tolist()) for name, t in tensors.items()},
        "memory": [t.data_ptr() for t in tensors.values()],
        "requires_grad": [t.requires_grad for t in tensors.values()],
        "grads": [
            None if t.grad is None else t.grad.tolist() for t in tensors.values()
        ],
        "gradients": [id(t.grad) for t in tensors.values()],
        "modes": [module.training for module in model.modules()],
        "modules": [id(module) for module in model.modules()],
    }


def train_a_step(model: nn.Sequential) -> None:
    model(batch()).square().mean().backward()
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.data -= 0.1 * parameter.grad
            parameter.grad = None


def evaluate_in_training_mode(model: nn.Sequential) -> None:
    with torch.no_grad():
        model.train()(batch())


def replace_tensors(model: nn.Sequential) -> None:
    model[0].weight = nn.Parameter(torch.zeros(5, 4))
    model[1].running_mean = torch.ones(5)
    model[4].weight.data = torch.zeros(3, 5)
    del model[4].bias
    model[1].register_buffer("extra", torch.ones(1))


def replace_modules(model: nn.Sequential) -> None:
    model[1] = nn.Identity()
    model.append(nn.ReLU())


def write_nan(model: nn.Sequential) -> None:
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.fill_(torch.nan if tensor.is_floating_point() else -1)


def change_gradients(model: nn.Sequential) -> None:
    model[0].weight.grad.mul_(0)
    model[4].weight.grad = torch.ones(3, 5)


def freeze(model: nn.Sequential) -> None:
    model.requires_grad_(requires_grad=False).eval()


BODIES = (
    train_a_step, evaluate_in_training_mode, replace_tensors, replace_modules,
    write_nan, change_gradients, freeze,
)  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_a_preserved_model_comes_back(body: Callable[[nn.Sequential], None]) -> None:
    model = network()
    before = bits(model)
    with seeded(1), preserved(model):
        body(model)
        assert bits(model) != before
    assert bits(model) == before


def test_a_preserved_model_comes_back_after_an_error() -> None:
    model = network()
    before = bits(model)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        _fail_inside(model)
    assert bits(model) == before


def _fail_inside(model: nn.Sequential) -> None:
    with preserved(model):
        train_a_step(model)
        model(torch.zeros(2, 7))


def test_default_generators_are_where_they_were() -> None:
    model = network()
    with seeded(1):
        expected = torch.rand(3)
    with seeded(1):
        with preserved(model):
            model(batch())  # its dropout draws
        assert torch.rand(3).equal(expected)


def test_tied_parameters_stay_tied() -> None:
    with seeded(0, "test tied"):
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    with preserved(model):
        model[1].weight = nn.Parameter(torch.zeros(3, 3))
    assert model[1].weight is model[0].weight


def test_a_backward_pass_begun_before_can_be_finished_behind() -> None:
    model = network().eval()
    loss = model(batch()).square().mean()
    with preserved(model), torch.no_grad():
        model.train()(batch())
    loss.backward()
    assert model[4].weight.grad is not None


def test_nested_blocks_come_back_one_by_one() -> None:
    model = network()
    before = bits(model)
    with preserved(model):
        train_a_step(model)
        between = bits(model)
        with preserved(model):
            write_nan(model)
        assert bits(model) == between
    assert bits(model) == before


class Making(OrderedDict[str, Any]):
    """Gives out what the class it holds makes, as a registry of activations does."""

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(key)(1, 2, 3)


def test_a_registry_is_put_back_without_being_asked_for_anything() -> None:
    made = Making(linear=nn.Linear)
    model = nn.Identity()
    model.registry = made  # type: ignore[assignment]
    with preserved(model):
        made["other"] = nn.ReLU
    assert [*made] == ["linear"]
