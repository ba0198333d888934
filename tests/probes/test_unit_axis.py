from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from normlab.base.streams import ambient
from normlab.norms.registry import maker
from normlab.probes.anatomy import study


@pytest.fixture(autouse=True)
def _weights_by_address() -> Iterator[None]:
    with ambient(0, "unit axis"):
        yield


class Own(nn.Module):
    """Some layers, and a function of its own between them and a ReLU."""

    def __init__(self, between: Callable[[Tensor], Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.layers, self.between, self.relu = nn.ModuleList(layers), between, nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.relu(self.between(x))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.lstm = nn.Embedding(7, 5), nn.LSTM(5, 4, batch_first=True)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.lstm(self.table(x))[0])


def axis_at(path: str, model: nn.Module, *shape: int) -> int | None:
    found = study(model, torch.zeros(shape)).unit_axis
    return {place.path: axis for place, axis in found.items()}.get(path)


def same(x: Tensor) -> Tensor:
    return x + 0


def turned(x: Tensor) -> Tensor:
    return x.transpose(1, 2)


def doubled(x: Tensor) -> Tensor:
    return torch.cat([x, x], 2)


CASES = {
    "vectors": ((5, 6), same, lambda: [nn.Linear(6, 4)], 1),
    "image of as many rows as channels": (
        (5, 1, 6, 6),
        same,
        lambda: [nn.Conv2d(1, 4, 3)],
        1,
    ),
    "sequence behind a convolution": ((5, 2, 6), same, lambda: [nn.Conv1d(2, 4, 3)], 1),
    "sequence of tokens": ((5, 3, 6), same, lambda: [nn.Linear(6, 4)], 2),
    "tokens turned": ((5, 3, 6), turned, lambda: [nn.Linear(6, 4)], 1),
    "as many tokens as units": ((5, 4, 6), same, lambda: [nn.Linear(6, 4)], None),
    "channels last": ((5, 3, 6, 2), same, lambda: [nn.Linear(2, 4)], 3),
    "a norm of one axis": ((5, 3, 6), same, lambda: [nn.LayerNorm(6)], 2),
    "a norm of two axes": (
        (5, 3, 6),
        same,
        lambda: [nn.Conv1d(3, 2, 1), nn.LayerNorm((2, 6))],
        1,
    ),
    "a norm of channels": ((5, 2, 3, 3), same, lambda: [maker("rms")(2, 2)], 1),
    "units put together": ((5, 3, 6), doubled, lambda: [nn.Linear(6, 4)], None),
    "nothing before": ((5, 3, 6), same, list, None),
    "an image before anything": ((5, 3, 6, 6), same, list, 1),
}


@pytest.mark.parametrize(
    ("shape", "between", "layers", "axis"), CASES.values(), ids=CASES
)
def test_the_axis_of_units_is_told_or_left_open(
    shape: tuple[int, ...],
    between: Callable[[Tensor], Tensor],
    layers: Callable[[], list[nn.Module]],
    axis: int | None,
) -> None:
    assert axis_at("relu", Own(between, *layers()), *shape) == axis


def test_of_a_layer_of_unknown_kind_nothing_is_told() -> None:
    model = Recurrent()
    axes = study(model, torch.zeros(2, 5, dtype=torch.long)).unit_axis
    assert "relu" not in {place.path for place in axes}


def test_what_a_layer_made_is_known_whatever_its_size() -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU())
    assert axis_at("1", model, 5, 4, 6) == 2 and axis_at("3", model, 5, 4, 6) == 2
