"""A study measures its surfaces, once, and they are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy

from normlab.base.streams import ambient
from normlab.data.feed import Feed
from normlab.data.load import load
from normlab.nets.registry import build
from normlab.norms.registry import maker
from normlab.records.folder import StudyFolder
from normlab.spec.plan import RunKey
from normlab.study import api
from tests.study.cases import spec_of, write_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("surfaces")
    spec = spec_of(write_data(home), "measure=full", "recipe.batch_size=20")
    api.run(spec, home / "study")
    return home / "study"


def test_first_seed_has_planes_and_every_seed_a_bowl(folder: Path) -> None:
    names = {surface.name for surface in StudyFolder.open(folder).surfaces()}
    first = {f"{arm}-lr0.01-seed0" for arm in ("none", "batch")}
    every = first | {f"{arm}-lr0.01-seed1" for arm in ("none", "batch")}
    assert names == (
        {f"path-{run}" for run in first}
        | {f"common-batch-{run}" for run in first}
        | {f"bowl-batch-{run}" for run in every}
    )


def test_snapshots_are_gone_when_they_are_of_no_more_use(folder: Path) -> None:
    assert not list((folder / "arrays").glob("*/path"))


def test_the_path_ends_on_its_surface_at_the_loss_of_the_trained_network(
    folder: Path,
) -> None:
    study = StudyFolder.open(folder)
    data = load(study.spec.data)
    inputs, labels = next(Feed(data.train, data.mean, data.std).chunks(10_000))
    for found in study.surfaces("path"):
        surface = found.surface
        with ambient("weights that are replaced"):
            model = build("mlp", maker(found.run.arm), data.shape, 2).double()
        file = folder / "arrays" / found.run.id / "network.safetensors"
        model.load_state_dict(load_file(file))
        # all batches are whole, and plain losses do not depend on the cut
        with torch.no_grad():
            loss = float(cross_entropy(model.eval()(inputs.double()), labels))
        end = surface.marks[-1]
        assert (end.a, end.b) == pytest.approx((0.0, 0.0), abs=1e-6)
        if found.run.arm == "none":
            assert end.plane_loss == pytest.approx(loss, rel=1e-5)
        centre = surface.loss[surface.b == 0, surface.a == 0]
        assert centre == pytest.approx(end.plane_loss, rel=1e-6)


def test_both_twins_lie_on_the_same_common_plane(folder: Path) -> None:
    one, two = StudyFolder.open(folder).surfaces("common")
    np.testing.assert_array_equal(one.surface.a, two.surface.a)
    np.testing.assert_array_equal(one.surface.b, two.surface.b)
    assert [m.name for m in one.surface.marks] == ["start", "end none", "end batch"]
    assert one.run == RunKey("batch", 0.01, 0)
    assert two.run == RunKey("none", 0.01, 0)


def test_resume_measures_only_what_is_missing(folder: Path) -> None:
    home = folder / "arrays" / "surfaces"
    lost = home / "bowl-batch-none-lr0.01-seed1.npz"
    before = StudyFolder.open(folder).surfaces("bowl")[-1]
    times = {path.name: path.stat().st_mtime_ns for path in home.iterdir()}
    lost.unlink()
    api.resume(folder)
    later = {path.name: path.stat().st_mtime_ns for path in home.iterdir()}
    assert {name for name in times if times[name] != later[name]} == {lost.name}
    again = StudyFolder.open(folder).surfaces("bowl")[-1]
    assert again.name == before.name == lost.stem
    np.testing.assert_array_equal(again.surface.loss, before.surface.loss)
    assert again.surface.marks == before.surface.marks
