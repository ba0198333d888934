"""More surfaces on request, and what becomes of one that is interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from normlab.data.load import load
from normlab.landscape.evaluate.engine import Engine
from normlab.records.folder import StudyFolder
from normlab.records.surface import StudySurface, Surface
from normlab.spec.model import Model
from normlab.spec.plan import RunKey
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec
from normlab.study import api, under_way
from normlab.study.jobs import JobContext
from normlab.study.listener import Silent
from normlab.study.messages import Share
from normlab.study.prepare import PythonParts
from normlab.study.source import BuiltIn
from normlab.study.surface_job import SurfaceJob
from normlab.train.checkpoint import save_network
from tests.study.cases import spec_of, write_data

ASKED = (
    "measure=full",
    "recipe.epochs=1",
    "recipe.batch_size=20",
    "surfaces.planes=random,common",
    "surfaces.statistics=full,batch",
    "surfaces.seeds=2",
    "surfaces.points=9",
    "surfaces.examples=50",
    "surfaces.exact=true",
    "seeds=3",
)

STATISTICS = ("full", "batch")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def folder(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("asked") / "study"
    api.run(spec_of(data, *ASKED), home)
    return home


def test_what_was_asked_for_is_measured_and_nothing_else(folder: Path) -> None:
    found = StudyFolder.open(folder).surfaces()
    runs = [f"{arm}-lr0.01-seed{s}" for arm in ("none", "batch") for s in (0, 1, 2)]
    assert {surface.name for surface in found} == {
        *(f"random-{run}-{s}" for run in runs if run[-1] != "2" for s in STATISTICS),
        *(
            f"common-batch-{run}-{s}"
            for run in runs
            if run[-1] != "2"
            for s in STATISTICS
        ),
        *(f"bowl-batch-{run}-batch" for run in runs),
    }
    for one in found:
        assert one.surface.computed.all()
        coarse = one.kind == "bowl"
        assert one.surface.loss.shape == ((17, 17) if coarse else (9, 9))
        # bowls are as they are in any study: here over all of the 100 images
        assert one.surface.examples == (100 if coarse else 40)
        assert one.surface.unit == "nats"


def test_a_random_plane_goes_through_the_end_of_its_run(folder: Path) -> None:
    for one in StudyFolder.open(folder).surfaces("random"):
        (end,) = one.surface.marks
        assert (end.name, end.a, end.b) == (f"end {one.run.arm}", 0, 0)
        assert end.true_loss == pytest.approx(end.plane_loss, rel=1e-6)


def test_statistics_differ_where_there_is_a_norm_and_only_there(folder: Path) -> None:
    study = StudyFolder.open(folder)
    for kind in ("random", "common"):
        by = {(s.run, s.surface.statistics): s.surface for s in study.surfaces(kind)}
        for arm, differs in (("none", False), ("batch", True)):
            run = RunKey(arm, 0.01, 1)
            full, batch = by[run, "full"], by[run, "batch"]
            np.testing.assert_array_equal(full.a, batch.a)
            # 50 images are two batches of 20 and a rest, which plain losses keep
            assert np.allclose(full.loss, batch.loss, rtol=1e-5) is not differs


def random_job(spec: StudySpec, arrays: Path, home: Path) -> SurfaceJob:
    """The surface about the end of the first run of arm `batch`."""
    load(spec.data).save(home / "data")
    context = JobContext(
        spec=spec,
        source=BuiltIn(Model()),
        data=home / "data",
        live=None,
        shared=(),
        device="cpu",
    )
    return SurfaceJob(
        context=context,
        arrays=arrays,
        unfinished=home / "unfinished",
        kind="random",
        run=RunKey("batch", 0.01, 0),
    )


@pytest.fixture
def job(folder: Path, tmp_path: Path) -> SurfaceJob:
    return random_job(StudyFolder.open(folder).spec, folder / "arrays", tmp_path)


@pytest.mark.parametrize(
    ("batch_size", "examples"), [(2100, 2100), (64, 2048), (60, 2040), (3000, 2200)]
)
def test_a_loss_is_the_mean_over_whole_batches_one_at_least(
    tmp_path: Path, batch_size: int, examples: int
) -> None:
    spec = spec_of(
        write_data(tmp_path, images=2200),
        f"recipe.batch_size={batch_size}",
        "surfaces.points=3",
    )
    job = random_job(spec, tmp_path / "arrays", tmp_path)
    home = tmp_path / "arrays" / job.run.id
    save_network(job.context.network("batch", 0), home / "network.safetensors")
    found, _ = performed(job)
    assert found.batch_size == min(batch_size, 2200)
    assert found.examples == examples


class Stopped(Exception):
    pass


def stopping_after(shares: int) -> Callable[[object], None]:
    told: list[object] = []

    def tell(event: object) -> None:
        told.append(event)
        if len(told) == shares:
            raise Stopped

    return tell


def performed(job: SurfaceJob) -> tuple[Surface, list[Share]]:
    events: list[object] = []
    job.perform(events.append)
    *shares, found = events
    assert isinstance(found, StudySurface)
    assert all(isinstance(share, Share) for share in shares)
    return found.surface, shares  # type: ignore[return-value]


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many points the engine was asked for, call by call; nothing waits."""
    monkeypatch.setattr(under_way, "EVERY", 0.0)
    monkeypatch.setattr(under_way, "RARER", 0.0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    asked: list[int] = []
    plainly = Engine.losses

    def losses(self: Engine, points: np.ndarray, **more: object) -> np.ndarray:
        asked.append(len(points))
        return plainly(self, points, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "losses", losses)
    return asked


def test_an_interrupted_surface_goes_on_from_the_cells_it_had(
    job: SurfaceJob, points: list[int]
) -> None:
    whole, shares = performed(job)
    assert points == [81, 1]  # all, and the mark
    assert [s.share for s in shares] == sorted(s.share for s in shares)
    assert shares[-1].share == 1
    job.cells.unlink()
    points.clear()
    with pytest.raises(Stopped):
        job.perform(stopping_after(3))
    with np.load(job.cells, allow_pickle=False) as kept:
        known = int(kept["computed"].sum())
    assert 0 < known < 81
    resumed, _ = performed(job)
    assert points == [81, 81 - known, 1]
    np.testing.assert_array_equal(resumed.loss, whole.loss)
    assert resumed.marks == whole.marks


def changed(job: SurfaceJob, what: str) -> SurfaceJob:
    if what == "run":
        return replace(job, run=job.run._replace(seed=1))
    if what == "statistics":
        return replace(job, statistics="running")
    spec = with_settings(job.context.spec, ["surfaces.points=7"])
    return replace(job, context=replace(job.context, spec=spec))


@pytest.mark.parametrize("change", ["points", "run", "statistics"])
def test_cells_of_anything_else_are_of_no_use(
    job: SurfaceJob, points: list[int], change: str
) -> None:
    with pytest.raises(Stopped):
        job.perform(stopping_after(3))
    other = changed(job, change)
    job.cells.replace(other.cells)
    points.clear()
    found, _ = performed(other)
    assert points == [found.loss.size, 1]


def test_a_file_that_a_power_cut_left_is_of_no_use(
    job: SurfaceJob, points: list[int]
) -> None:
    job.cells.parent.mkdir()
    job.cells.write_bytes(b"PK")
    performed(job)
    assert points == [81, 1]


def test_a_short_surface_touches_no_disk(job: SurfaceJob) -> None:
    _, shares = performed(job)
    assert not shares
    assert not job.unfinished.exists()


def slow(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy, with a wait on surfaces, where nothing is learnt."""
    if not torch.is_grad_enabled():
        time.sleep(0.06)
    return cross_entropy(outputs, labels)


class StopsWithinASurface(Silent):
    def reached(self, name: str, share: float) -> None:
        if name.startswith("path-") and 0 < share < 1:
            raise KeyboardInterrupt


def test_a_study_interrupted_within_a_surface_resumes_to_the_same(
    data: Path, tmp_path: Path
) -> None:
    spec = spec_of(
        data,
        *("measure=full", "arms=batch", "seeds=1", "recipe.epochs=1"),
        *("surfaces.points=7", "surfaces.exact=true"),
    )
    watcher, study = StopsWithinASurface(), tmp_path / "study"
    python = PythonParts(loss=slow)
    with pytest.raises(KeyboardInterrupt):
        api.run(spec, study, watcher=watcher, python=python)
    (kept,) = (study / "checkpoints" / "surfaces").iterdir()
    with np.load(kept, allow_pickle=False) as cells:
        computed, loss = cells["computed"], cells["loss"]
    assert 0 < computed.sum() < 49
    api.resume(study, python=python)
    (found,) = StudyFolder.open(study).surfaces()
    assert not (study / "checkpoints").exists()
    np.testing.assert_array_equal(found.surface.loss[computed], loss[computed])
    assert found.surface.unit == ""
    # the same without the stop, and without the wait
    api.run(spec, tmp_path / "whole", python=PythonParts(loss=cross_entropy))
    (whole,) = StudyFolder.open(tmp_path / "whole").surfaces()
    np.testing.assert_allclose(found.surface.loss, whole.surface.loss, rtol=1e-5)
