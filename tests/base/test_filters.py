"""The length of what makes one output, layer by layer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from normlab.base.filters import lengths_of
from normlab.base.streams import seeded

with seeded(0, "filters"):
    LAYERS: dict[str, tuple[nn.Module, Tensor]] = {
        "linear": (nn.Linear(4, 3), torch.randn(2, 4)),
        "convolution in groups": (
            nn.Conv2d(4, 6, 3, groups=2),
            torch.randn(2, 4, 5, 5),
        ),
        "transposed": (nn.ConvTranspose2d(4, 6, 3, groups=2), torch.randn(2, 4, 5, 5)),
    }


@pytest.mark.parametrize("name", LAYERS)
def test_a_filter_is_what_one_output_depends_on(name: str) -> None:
    layer, inputs = LAYERS[name]
    weight = layer.get_parameter("weight")
    lengths = lengths_of(layer, ["weight"])["weight"]
    outputs = layer(inputs)
    for channel in range(outputs.shape[1]):
        (slope,) = torch.autograd.grad(
            outputs[:, channel].square().sum(), weight, retain_graph=True
        )
        one = slope != 0
        assert torch.allclose(lengths[one], weight[one].norm())


def test_of_complex_numbers_both_parts_count() -> None:
    with seeded(0, "complex"):
        layer = nn.Linear(2, 1, dtype=torch.complex64)
    layer.weight.data.copy_(torch.tensor([[3 + 4j, 12j]]))
    assert lengths_of(layer, ["weight"])["weight"].tolist() == [[[13, 13]] * 2]
