"""`normlab.surface` gives what landscape measures, and draws it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import normlab
from normlab.base.streams import seeded, stream
from normlab.errors import BadSetting
from normlab.landscape.surface import surface as measured


@pytest.fixture
def trained() -> tuple[nn.Module, tuple[torch.Tensor, torch.Tensor]]:
    x = torch.randn(256, 6, generator=stream("facade"))
    with seeded("facade"):
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


def test_it_draws_how_far_it_is_from_another_one(trained) -> None:
    model, data = trained
    batch = normlab.surface(model, data, points=7, exact=True)
    full = normlab.surface(model, data, points=7, exact=True, statistics="full")
    (area,) = [t for t in full.plot(against=batch).data if t.type == "contour"]
    assert np.abs(full.loss / batch.loss - 1).max() > 0.001
    np.testing.assert_allclose(
        area.customdata, 100 * (full.loss / batch.loss - 1), rtol=1e-3, atol=1e-4
    )
    elsewhere = normlab.surface(model, data, points=7, seed=1)
    with pytest.raises(BadSetting, match="at the same points of the same plane"):
        full.plot(against=elsewhere)


def test_a_loss_of_ones_own_is_not_in_nats(trained) -> None:
    model, (x, y) = trained
    ours = normlab.surface(model, (x, y), points=3, loss=lambda out, _: (out**2).mean())
    assert ours.unit == ""
    assert "nats" not in str(ours.plot().to_dict())
    for loss in (None, functional.cross_entropy):
        theirs = normlab.surface(model, (x, y), points=3, loss=loss)
        assert theirs.unit == "nats"
        assert "nats" in str(theirs.plot().to_dict())
