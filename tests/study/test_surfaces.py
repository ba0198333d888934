"""A study measures its surfaces, once, and they are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy

from normlab.base.streams import seeded, stream
from normlab.cli import main
from normlab.data.feed import Feed
from normlab.data.load import load
from normlab.facade.result import Result
from normlab.nets.registry import build
from normlab.norms.registry import maker
from normlab.records.folder import StudyFolder
from normlab.records.surface import Mark, StudySurface
from normlab.spec.plan import RunKey
from normlab.study import api
from normlab.study.listener import Silent
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
        {f"path-{run}-batch" for run in first}
        | {f"common-batch-{run}-batch" for run in first}
        | {f"bowl-batch-{run}-batch" for run in every}
    )


def test_snapshots_are_gone_when_they_are_of_no_more_use(folder: Path) -> None:
    assert not list((folder / "arrays").glob("*/path"))
    assert not list((folder / "arrays").glob("*/levels"))


def test_the_path_ends_on_its_surface_at_the_loss_of_the_trained_network(
    folder: Path,
) -> None:
    study = StudyFolder.open(folder)
    data = load(study.spec.data)
    inputs, labels = next(Feed(data.train, data.mean, data.std).chunks(10_000))
    for found in study.surfaces("path"):
        surface = found.surface
        with seeded("weights that are replaced"):
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
    names = [mark.name for mark in one.surface.marks]
    assert names[:3] == ["start", "end none", "end batch"]
    assert one.run == RunKey("batch", 0.01, 0)
    assert two.run == RunKey("none", 0.01, 0)


def marks(found: StudySurface) -> dict[str, Mark]:
    return {mark.name: mark for mark in found.surface.marks}


def test_a_common_plane_carries_the_path_of_its_run(folder: Path) -> None:
    for found in StudyFolder.open(folder).surfaces("common"):
        here = marks(found)
        steps = [mark for name, mark in here.items() if name.startswith("step ")]
        assert len(steps) > 5
        first, last = steps[0], steps[-1]
        start, end = here["start"], here[f"end {found.run.arm}"]
        assert (first.a, first.b) == pytest.approx((start.a, start.b), abs=1e-5)
        assert first.off_plane == pytest.approx(start.off_plane)
        assert start.off_plane > 0  # biases, scales and shifts are at their ends
        assert (last.a, last.b) == pytest.approx((end.a, end.b), abs=1e-5)
        assert last.off_plane < 1e-5
        assert all(mark.plane_loss is not None for mark in steps)


@pytest.mark.parametrize("arm", ["none", "batch"])
def test_real_losses_are_the_same_on_every_plane(folder: Path, arm: str) -> None:
    study = StudyFolder.open(folder)
    one, two = (
        next(marks(found) for found in study.surfaces(kind) if found.run.arm == arm)
        for kind in ("common", "path")
    )
    path_end = next(reversed(two.values()))
    losses = {name: mark.true_loss for name, mark in one.items() if mark.true_loss}
    losses["step 0"] = losses.pop("start")
    losses[path_end.name] = losses.pop(f"end {arm}")
    real = {name: mark.true_loss for name, mark in two.items() if mark.true_loss}
    assert 8 <= len(losses) <= 12
    assert 8 <= len(real) <= 12
    both = losses.keys() & real.keys()
    assert len(both) >= 4
    for name in both:
        assert losses[name] == pytest.approx(real[name], rel=1e-12)
    # no path ends elsewhere than on its plane
    assert path_end.true_loss == pytest.approx(path_end.plane_loss, rel=1e-6)


@pytest.mark.parametrize("arm", ["none", "batch"])
def test_the_real_loss_at_the_end_is_that_of_a_plain_loop(
    folder: Path, arm: str
) -> None:
    study = StudyFolder.open(folder)
    data = load(study.spec.data)
    inputs, labels = next(Feed(data.train, data.mean, data.std).chunks(10_000))
    with seeded("weights that are replaced"):
        model = build("mlp", maker(arm), data.shape, 2).double().train()
    model.load_state_dict(
        load_file(folder / "arrays" / f"{arm}-lr0.01-seed0" / "network.safetensors")
    )
    order = torch.randperm(100, generator=stream(0, "surface", "batches"))
    with torch.no_grad():
        losses = [
            float(cross_entropy(model(inputs[batch].double()), labels[batch]))
            for batch in order.split(20)
        ]
    for kind in ("path", "common"):
        found = next(f for f in study.surfaces(kind) if f.run.arm == arm)
        ends = [m for m in found.surface.marks if m.name in (f"end {arm}", "step 15")]
        assert ends[0].true_loss == pytest.approx(np.mean(losses), rel=1e-5)
        assert ends[0].plane_loss == pytest.approx(np.mean(losses), rel=1e-5)


def test_another_networks_end_has_no_real_loss_here(folder: Path) -> None:
    for found in StudyFolder.open(folder).surfaces("common"):
        other = {"none": "batch", "batch": "none"}[found.run.arm]
        assert marks(found)[f"end {other}"].true_loss is None


@pytest.mark.parametrize("name", ["surface-common", "surface-path", "surface-3d"])
def test_a_study_draws_its_surfaces(folder: Path, name: str) -> None:
    picture = Result.open(folder).plot(name)
    drawn = picture.figure.to_dict()["data"]
    areas = [trace for trace in drawn if trace["type"] in ("contour", "surface")]
    assert len(areas) == 2
    assert len(drawn) > 2  # and their paths


def test_resume_measures_only_what_is_missing(folder: Path) -> None:
    home = folder / "arrays" / "surfaces"
    lost = home / "bowl-batch-none-lr0.01-seed1-batch.npz"
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


def test_a_surface_that_fails_is_told_and_kept_in_mind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"

    class Vandal(Silent):
        def note(self, text: str) -> None:
            if text.startswith("measuring 8 surfaces"):
                (study / "arrays/none-lr0.01-seed0/network.safetensors").unlink()

    settings = "measure=full", "recipe.batch_size=20", "seeds=2", "recipe.epochs=1"
    spec = spec_of(write_data(tmp_path), *settings)
    record = api.run(spec, study, watcher=Vandal()).record
    label = "surface path-none-lr0.01-seed0-batch"
    assert "FileNotFoundError" in record.failed[label]
    capsys.readouterr()
    assert main(["resume", str(study), "-q"]) == 1
    told = " ".join(capsys.readouterr().out.split())
    # what fails for the same reason is one line
    assert "FAILED: " in told and "others: FileNotFoundError" in told
