from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from normlab.base.streams import seeded, stream
from normlab.landscape.planes.random import random_plane
from normlab.landscape.rises import loss_rises
from tests.train.cases import dataset

RADII = (0.1, 0.3)


@pytest.fixture(params=["none", "batch"])
def model(request: pytest.FixtureRequest) -> nn.Module:
    with seeded(0, "rises"):
        norm = nn.BatchNorm1d(6) if request.param == "batch" else nn.Identity()
        first, last = nn.Linear(144, 6), nn.Linear(6, 4)
        return nn.Sequential(nn.Flatten(), first, norm, nn.ReLU(), last)


def test_rises_are_those_of_weights_that_were_moved(model: nn.Module) -> None:
    data = dataset(64)
    before = copy.deepcopy(model.state_dict())
    loss, rises = loss_rises(
        model, data, radii=RADII, directions=4, examples=64, batch_size=32, seed=5
    )
    assert all(t.equal(before[n]) for n, t in model.state_dict().items())
    assert rises.shape == (4, 2, 2)
    images = torch.from_numpy(data.train.images).double()
    inputs = (images / 255 - data.mean[0]) / data.std[0]
    labels = torch.from_numpy(data.train.labels).long()
    order = torch.randperm(64, generator=stream(5, "surface", "batches"))

    def loss_at(direction: dict[str, np.ndarray], by: float) -> float:
        moved = copy.deepcopy(model).double().train()
        with torch.no_grad():
            for name, step in direction.items():
                moved.get_parameter(name).add_(by * torch.from_numpy(step).double())
            return float(
                np.mean(
                    [
                        float(cross_entropy(moved(inputs[part]), labels[part]))
                        for part in order.split(32)
                    ]
                )
            )

    assert loss == pytest.approx(loss_at({}, 0.0), rel=1e-5)
    planes = [random_plane(model, seed=seed) for seed in (10, 11)]
    directions = [d for plane in planes for d in (plane.first, plane.second)]
    for direction, found in zip(directions, rises, strict=True):
        for radius, sides in zip(RADII, found, strict=True):
            for side, rise in zip((1, -1), sides, strict=True):
                expected = loss_at(dict(direction), side * radius) - loss
                assert rise == pytest.approx(expected, rel=1e-3, abs=1e-6)
