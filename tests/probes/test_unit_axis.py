"""Units are followed through whatever a network does with them, or not shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as f

from normlab.base.streams import seeded
from normlab.probes.anatomy import trace_modules


@pytest.fixture(autouse=True)
def _weights_by_address() -> Iterator[None]:
    with seeded(0, "unit axis"):
        yield


Step = Callable[..., Tensor]


class Net(nn.Module):
    """Layers, what a function makes of them and the input, and a ReLU behind."""

    def __init__(self, way: Step, *layers: nn.Module) -> None:
        super().__init__()
        self.layers, self.way, self.relu = nn.ModuleList(layers), way, nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.way(x, *self.layers))


def axis_at(path: str, model: nn.Module, x: Tensor) -> int | None:
    found = trace_modules(model, x).unit_axis
    return {place.path: axis for place, axis in found.items()}.get(path)


# as many units as positions wherever that could mislead: sizes must not tell
TOKENS, IMAGES, SEQUENCE = (2, 4, 4), (2, 1, 4, 4), (2, 1, 4)
CONV, CONV1, LINEAR = nn.Conv2d, nn.Conv1d, nn.Linear

CASES: dict[str, tuple[tuple[int, ...], Step, Callable[[], list[nn.Module]], int]] = {
    "vectors": ((2, 4), lambda x, a: a(x), lambda: [LINEAR(4, 4)], 1),
    "tokens": (TOKENS, lambda x, a: a(x) + 0, lambda: [LINEAR(4, 4)], 2),
    "tokens turned": (
        TOKENS,
        lambda x, a: a(x).transpose(1, 2),
        lambda: [LINEAR(4, 4)],
        1,
    ),
    "there and back": (
        TOKENS,
        lambda x, a, b: b(a(x).transpose(1, 2)).mT + 0,
        lambda: [LINEAR(4, 4), LINEAR(4, 4)],
        1,
    ),
    "an image": (IMAGES, lambda x, a: a(x) * 2, lambda: [CONV(1, 4, 1)], 1),
    "an image turned": (
        IMAGES,
        lambda x, a: a(x).permute(0, 2, 3, 1),
        lambda: [CONV(1, 4, 1)],
        3,
    ),
    "a sequence turned": (
        SEQUENCE,
        lambda x, a: a(x).transpose(1, 2),
        lambda: [CONV1(1, 4, 1)],
        2,
    ),
    "patches as tokens": (
        (2, 1, 4, 4),
        lambda x, a: a(x).flatten(2).transpose(1, 2),
        lambda: [CONV(1, 4, 2, 2)],
        2,
    ),
    "features put together": (
        SEQUENCE,
        lambda x, a: torch.cat([a(x), x], 1),
        lambda: [CONV1(1, 4, 1)],
        1,
    ),
    "a token in front": (
        TOKENS,
        lambda x, a: torch.cat([torch.zeros(2, 1, 4), a(x)], 1),
        lambda: [LINEAR(4, 4)],
        2,
    ),
    "half of the units": (
        (2, 1, 8),
        lambda x, a: a(x).chunk(2, 1)[0] + 0,
        lambda: [CONV1(1, 8, 1)],
        1,
    ),
    "a gated half": (
        (2, 1, 8),
        lambda x, a: f.glu(a(x), 1),
        lambda: [CONV1(1, 8, 1)],
        1,
    ),
    "another layer ran last": (
        (2, 1, 12),
        lambda x, a, b: (a(x), b(x))[0] + 0,
        lambda: [CONV1(1, 4, 1), CONV1(1, 12, 1)],
        1,
    ),
    "pooled": (IMAGES, lambda x, a: f.max_pool2d(a(x), 2), lambda: [CONV(1, 2, 1)], 1),
    "averaged over rows": (
        IMAGES,
        lambda x, a: a(x).mean(2),
        lambda: [CONV(1, 4, 1)],
        1,
    ),
    "enlarged": (
        IMAGES,
        lambda x, a: f.interpolate(a(x), scale_factor=2),
        lambda: [CONV(1, 8, 1)],
        1,
    ),
    "padded": (
        IMAGES,
        lambda x, a: f.pad(a(x), (1, 1, 1, 1)),
        lambda: [CONV(1, 6, 1)],
        1,
    ),
    "stacked": (
        (2, 4),
        lambda x, a: torch.stack([a(x), a(x)], 1),
        lambda: [LINEAR(4, 2)],
        2,
    ),
    "weights by hand": (TOKENS, lambda x, a: x @ a.weight, lambda: [LINEAR(4, 4)], 2),
    "words": (
        (2, 4),
        lambda x, a: a(x.long()) + 0,
        lambda: [nn.Embedding(9, 4)],
        2,
    ),
    "attention": (
        TOKENS,
        lambda x, a: x + a(x, x, x)[0],
        lambda: [nn.MultiheadAttention(4, 2, batch_first=True)],
        2,
    ),
    "a norm of groups": (
        IMAGES,
        lambda x, a, b: b(a(x)),
        lambda: [CONV(1, 4, 1), nn.GroupNorm(2, 4)],
        1,
    ),
    "a block of channels last": (
        IMAGES,
        lambda x, a, b, c: c(b(a(x).permute(0, 2, 3, 1))),
        lambda: [CONV(1, 4, 1), nn.LayerNorm(4), LINEAR(4, 4)],
        3,
    ),
    "in place": (
        TOKENS,
        lambda x, a: a(x).add_(1),
        lambda: [LINEAR(4, 4)],
        2,
    ),
}

UNTOLD: dict[str, tuple[tuple[int, ...], Step, Callable[[], list[nn.Module]]]] = {
    "the input": (TOKENS, lambda x: x + 0, list),
    "channels become positions": (
        IMAGES,
        lambda x, a: f.pixel_shuffle(a(x), 2),
        lambda: [CONV(1, 4, 1)],
    ),
    "channels mixed with rows": (
        IMAGES,
        lambda x, a: a(x).view(2, 2, 2, 4, 4).transpose(1, 2).reshape(2, 4, 4, 4),
        lambda: [CONV(1, 4, 1)],
    ),
    "heads": (
        TOKENS,
        lambda x, a: a(x).reshape(2, 4, 2, 2).transpose(1, 2),
        lambda: [LINEAR(4, 4)],
    ),
    "turned by a rare function": (
        TOKENS,
        lambda x, a: torch.rot90(a(x), 1, (1, 2)),
        lambda: [LINEAR(4, 4)],
    ),
    "distances": (TOKENS, lambda x, a: torch.cdist(a(x), a(x)), lambda: [LINEAR(4, 4)]),
    "a recurrent layer": (
        TOKENS,
        lambda x, a: a(x)[0] + 0,
        lambda: [nn.LSTM(4, 4, batch_first=True)],
    ),
}


@pytest.mark.parametrize(("shape", "way", "layers", "axis"), CASES.values(), ids=CASES)
def test_units_are_followed(
    shape: tuple[int, ...], way: Step, layers: Callable[[], list[nn.Module]], axis: int
) -> None:
    assert axis_at("relu", Net(way, *layers()), torch.zeros(shape)) == axis


@pytest.mark.parametrize(("shape", "way", "layers"), UNTOLD.values(), ids=UNTOLD)
def test_what_cannot_be_followed_is_not_guessed(
    shape: tuple[int, ...], way: Step, layers: Callable[[], list[nn.Module]]
) -> None:
    assert axis_at("relu", Net(way, *layers()), torch.zeros(shape)) is None


def test_a_norm_means_its_own_axis() -> None:
    def at_norm(layer: nn.Module, norm: nn.Module, *shape: int) -> int | None:
        return axis_at(
            "layers.1", Net(lambda x, a, b: b(a(x)), layer, norm), torch.zeros(shape)
        )

    assert at_norm(CONV1(1, 4, 1), nn.BatchNorm1d(4), 2, 1, 4) == 1
    assert at_norm(LINEAR(4, 4), nn.LayerNorm(4), 2, 4, 4) == 2
    assert at_norm(CONV(1, 4, 1), nn.LayerNorm((4, 4, 4)), 2, 1, 4, 4) == 1
    # one gain per column of an image: no units
    assert at_norm(CONV(1, 4, 1), nn.LayerNorm(4), 2, 1, 4, 4) is None
