"""The same maxima as torch's, to the last bit."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from normlab.landscape.evaluate.moving import private_copy
from normlab.landscape.evaluate.pooling import forget_places

TILED = [
    (nn.MaxPool1d(3), (5, 4, 11)),
    (nn.MaxPool2d(2), (5, 4, 8, 8)),
    (nn.MaxPool2d(2), (5, 4, 7, 9)),
    (nn.MaxPool2d((2, 3), stride=(2, 3)), (4, 9, 9)),
    (nn.MaxPool2d((2,)), (2, 1, 6, 6)),
    (nn.MaxPool2d([3]), (2, 1, 7, 6)),
    (nn.MaxPool2d(np.int64(2)), (2, 1, 6, 6)),
    (nn.MaxPool2d((1, 2)), (2, 1, 6, 6)),
    (nn.MaxPool3d(2), (3, 2, 4, 5, 6)),
]
OTHER = [
    (nn.MaxPool2d(1), (2, 1, 4, 4)),
    (nn.MaxPool2d(3, stride=2), (2, 1, 9, 9)),
    (nn.MaxPool2d(2, padding=1), (2, 1, 8, 8)),
    (nn.MaxPool2d(2, dilation=2), (2, 1, 8, 8)),
    (nn.MaxPool2d(2, ceil_mode=True), (2, 1, 7, 7)),
]


@pytest.mark.parametrize(("pool", "shape"), [*TILED, *OTHER])
def test_every_window_has_torch_s_maximum(pool: nn.Module, shape: tuple) -> None:
    x = torch.randn(shape)
    x.view(-1)[::17] = torch.nan
    x.view(-1)[::13] = torch.inf
    expected = pool(x)
    light = copy.deepcopy(pool)
    forget_places(light)
    found = light(x)
    assert found.shape == expected.shape
    assert torch.equal(found.nan_to_num(7.0), expected.nan_to_num(7.0))
    assert torch.equal(found.isnan(), expected.isnan())


@pytest.mark.parametrize("pool", [pool for pool, _ in TILED])
def test_windows_that_tile_are_taken_together(pool: nn.Module) -> None:
    light = copy.deepcopy(pool)
    forget_places(light)
    assert "forward" in vars(light)


@pytest.mark.parametrize("pool", [pool for pool, _ in OTHER])
def test_other_windows_are_left_to_torch(pool: nn.Module) -> None:
    light = copy.deepcopy(pool)
    forget_places(light)
    assert "forward" not in vars(light)


class Doubled(nn.MaxPool2d):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def test_a_pooling_of_the_user_s_own_is_left_alone() -> None:
    pool = Doubled((2, 2), stride=(2, 2))
    forget_places(pool)
    assert pool(torch.ones(1, 1, 2, 2)).item() == 2


def test_a_pooling_whose_forward_was_replaced_keeps_it() -> None:
    pool = nn.MaxPool2d(2)
    pool.forward = lambda x: x.sum()
    forget_places(pool)
    assert pool(torch.ones(1, 1, 2, 2)).item() == 4


def test_a_pooling_that_gives_the_places_is_left_alone() -> None:
    pool = nn.MaxPool2d(2, return_indices=True)
    forget_places(pool)
    _, places = pool(torch.randn(1, 1, 4, 4))
    assert places.shape == (1, 1, 2, 2)


def test_a_copy_of_a_copy_pools_on_its_own_and_the_model_stays() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2))
    x = torch.randn(2, 1, 8, 8)
    expected = model(x)
    assert torch.equal(private_copy(private_copy(model))(x), expected)
    assert "forward" not in vars(model[1])
