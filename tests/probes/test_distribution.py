from __future__ import annotations

import numpy as np
import pytest
import torch

from normlab.base.streams import stream
from normlab.probes.distribution import Values, percentiles


def sample(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=stream(0, "sample"), dtype=torch.float64)


@pytest.mark.parametrize(
    ("shape", "axis", "axes"),
    [
        ((9, 4), 1, (0,)),
        ((9, 4, 3, 2), 1, (0, 2, 3)),
        ((9, 3, 4), 2, (0, 1)),
    ],
)
def test_moments_are_numpys_unit_by_unit(
    shape: tuple[int, ...], axis: int, axes: tuple[int, ...]
) -> None:
    x = sample(*shape)
    mean, std = Values.of(x, axis=axis, seed=0).moments()
    assert np.allclose(mean, x.numpy().mean(axis=axes), rtol=1e-14, atol=1e-14)
    assert np.allclose(std, x.numpy().std(axis=axes), rtol=1e-14)


def test_the_same_unit_is_chosen_wherever_there_are_as_many() -> None:
    one, other = sample(9, 40), sample(5, 40, 3, 3)
    chosen = [Values.of(x, axis=1, seed=7).chosen_unit for x in (one, other)]
    assert chosen[0] == chosen[1]


def test_a_units_values_are_its_column() -> None:
    x = sample(9, 4)
    assert Values.of(x, axis=1, seed=0).unit(2).equal(x[:, 2])


def test_features_of_images_come_from_one_position_of_each_unit() -> None:
    x = sample(9, 4, 3, 2)
    features = Values.of(x, axis=1, seed=0).features(torch.arange(4))
    for unit, feature in enumerate(features):
        positions = x[:, unit].reshape(9, -1).T
        assert any(feature.equal(position) for position in positions)


def test_of_large_images_some_positions_are_pooled() -> None:
    x = torch.arange(2.0**20).view(2**8, 2**4, 2**4, 2**4)
    pooled = Values.of(x, axis=1, seed=0).pooled()
    assert pooled.numel() == 2**18 and torch.isin(pooled, x).all()


def test_percentiles_are_the_15th_50th_and_85th() -> None:
    x = sample(40).numpy().astype(np.float32)
    expected = np.percentile(x.astype(np.float64), (15, 50, 85))
    assert np.allclose(percentiles(torch.from_numpy(x)), expected, rtol=1e-6)
