"""`normlab.surface` gives what landscape measures, and draws it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import normlab
from normlab.base.streams import ambient, stream
from normlab.landscape.surface import surface as measured


@pytest.fixture
def trained() -> tuple[nn.Module, tuple[torch.Tensor, torch.Tensor]]:
    x = torch.randn(256, 6, generator=stream("facade"))
    with ambient("facade"):
        model = nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)
        )
    return model, (x, (x.sum(1) > 0).long())


def test_it_is_what_landscape_measures(trained) -> None:
    ours, theirs = normlab.surface(*trained, points=7), measured(*trained, points=7)
    for field in dataclasses.fields(theirs):
        if field.name != "seconds":
            value = getattr(ours, field.name)
            np.testing.assert_equal(value, getattr(theirs, field.name))


def test_it_draws_itself(trained) -> None:
    found = normlab.surface(*trained, points=7)
    (contour,) = [t for t in found.plot().data if t.type == "contour"]
    assert np.shape(contour.z) == (7, 7)


def test_the_result_is_frozen(trained) -> None:
    found = normlab.surface(*trained, points=7)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.seconds = 0.0  # type: ignore[misc]
