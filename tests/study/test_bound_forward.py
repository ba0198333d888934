"""Surfaces of a study whose networks use themselves, so that copies use them too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torch import nn

import normlab
from normlab.base.slots import NormMaker
from normlab.records.folder import StudyFolder
from normlab.records.surface import Surface


def plain(norm: NormMaker, classes: int) -> nn.Module:
    return nn.Sequential(nn.Linear(12, 8), norm(8), nn.ReLU(), nn.Linear(8, classes))


def bound(norm: NormMaker, classes: int) -> nn.Module:
    net = plain(norm, classes)
    inner = net.forward
    net.forward = lambda x: inner(x)
    return net


def surfaces(factory: Callable[..., nn.Module], out: Path) -> dict[str, Surface]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, 12)).astype("f4")
    study = normlab.Study(
        model=factory,
        data=(x, (x[:, 0] > 0).astype(int)),
        seeds=1,
        epochs=1,
        batch_size=16,
        settings=["surfaces.points=5", "surfaces.exact=true"],
    )
    study.run(out, quiet=True)
    found = StudyFolder.open(out).surfaces()
    return {one.name: one.surface for one in found}


def test_they_are_those_of_the_same_networks_unbound(tmp_path: Path) -> None:
    expected = surfaces(plain, tmp_path / "plain")
    found = surfaces(bound, tmp_path / "bound")
    assert found.keys() == expected.keys()
    for name, surface in expected.items():
        assert np.ptp(surface.loss) > 1e-3
        np.testing.assert_allclose(found[name].loss, surface.loss, rtol=1e-6)
        for one, other in zip(found[name].marks, surface.marks, strict=True):
            assert (one.true_loss is None) == (other.true_loss is None)
            if one.true_loss is not None:
                assert one.true_loss == pytest.approx(other.true_loss, rel=1e-6)
