"""Sweeps and refined rates through whole studies."""

from __future__ import annotations

from pathlib import Path

import pytest

from normlab.analysis.design.rates import choices, claim_seeds
from normlab.analysis.design.refine import Refinement
from normlab.errors import BadSetting
from normlab.records.compare import differences
from normlab.records.events import EpochDone
from normlab.records.folder import StudyFolder
from normlab.spec.plan import RunKey, plan
from normlab.spec.study import StudySpec
from normlab.study import api
from normlab.study.prepare import PythonParts, prepare
from normlab.study.progress import Progress
from normlab.study.trial import TrainingTrial
from tests.study.cases import spec_of, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def swept(data: Path) -> StudySpec:
    return spec_of(
        data, "recipe.batch_size=8,32", "recipe.rates=0.001,1000", "recipe.epochs=2"
    )


def refined(data: Path) -> StudySpec:
    return spec_of(
        data,
        "recipe.rates=0.001,0.01",
        "recipe.refine=2",
        "recipe.epochs=1",
        "seeds=3",
        "model.width=8",
    )


@pytest.fixture(scope="module")
def sweep(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that nobody interrupted."""
    folder = tmp_path_factory.mktemp("sweep") / "study"
    api.run(swept(data), folder)
    return folder


@pytest.fixture(scope="module")
def refinement(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A refined study that nobody interrupted."""
    folder = tmp_path_factory.mktemp("refinement") / "study"
    api.run(refined(data), folder)
    return folder


class StopsAfter(Progress):
    """A user who presses Ctrl-C after so many epochs."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.left = epochs

    def event(self, key: RunKey, event: object) -> None:
        super().event(key, event)
        self.left -= isinstance(event, EpochDone)
        if self.left == 0:
            raise KeyboardInterrupt


def test_a_sweep_trains_every_point_with_its_own_settings(
    sweep: Path, data: Path
) -> None:
    record = StudyFolder.open(sweep).read()
    assert tuple(run.key for run in record.runs) == plan(swept(data))
    for run in record.runs:
        batch_size = dict(run.key.point)["recipe.batch_size"]
        if run.status == "done":
            # 84 images: 16 of 100 are held out, as there are several rates
            assert len(run.step_losses) == 2 * -(-84 // int(batch_size))
            assert "validation_loss" in run.epochs[-1].metrics
    statuses = [run.status for run in record.runs if run.key.rate == 1000]
    assert "diverged" in statuses


def test_twins_share_their_start_over_all_points_and_rates(sweep: Path) -> None:
    runs = StudyFolder.open(sweep).read().runs
    for seed in (0, 1):
        assert len({run.init_digest for run in runs if run.key.seed == seed}) == 1
    orders = {
        (run.key.seed, run.key.point): run.batch_digest
        for run in runs
        if run.status == "done"
    }
    assert len(set(orders.values())) == len(orders) == 4


@pytest.mark.parametrize("epochs", [7])
def test_an_interrupted_sweep_resumes_to_the_same_bits(
    sweep: Path, data: Path, tmp_path: Path, epochs: int
) -> None:
    folder = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        api.run(swept(data), folder, watcher=StopsAfter(epochs))
    result = api.resume(folder)
    assert differences(result.record, StudyFolder.open(sweep).read()) == []


def test_refining_adds_what_its_records_ask_for(refinement: Path) -> None:
    record = StudyFolder.open(refinement).read()
    assert {run.status for run in record.runs} == {"done"}
    added = {run.key for run in record.runs} - set(plan(record.spec))
    asked = set(Refinement(record).wanted())
    assert added and added == asked - set(plan(record.spec))
    for choice in choices(record):
        rates = {run.key.rate for run in record.runs if run.key.arm == choice.arm}
        rates -= set(record.spec.recipe.rates)
        assert 1 <= len(rates) <= 2
        keys = {run.key for run in record.runs}
        for seed in claim_seeds(record.spec.seeds):
            assert RunKey(choice.arm, choice.rate, seed) in keys


@pytest.mark.parametrize("epochs", [5, 9])
def test_an_interrupted_refinement_resumes_to_the_same_bits(
    refinement: Path, data: Path, tmp_path: Path, epochs: int
) -> None:
    folder = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        api.run(refined(data), folder, watcher=StopsAfter(epochs))
    result = api.resume(folder, watcher=Progress())
    assert differences(result.record, StudyFolder.open(refinement).read()) == []


def test_a_point_that_cannot_be_trained_is_refused_at_once(
    data: Path, tmp_path: Path
) -> None:
    spec = spec_of(data, "recipe.batch_size=16,33")
    with pytest.raises(BadSetting, match=r"recipe\.batch_size = 33: 100 training"):
        api.run(spec, tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_no_images_are_held_out_against_an_explicit_no(
    data: Path, tmp_path: Path
) -> None:
    spec = spec_of(
        data,
        "recipe.rates=0.01,0.1",
        "data.validation=0",
        "recipe.epochs=1",
        "seeds=0,",
        "model.width=8",
    )
    record = api.run(spec, tmp_path / "study").record
    assert not any(run.epochs[-1].metrics for run in record.runs)
    assert choices(record) == ()


@pytest.mark.parametrize(
    ("axes", "kinds"),
    [
        (("recipe.weight_decay=0,0.1,0.2", "recipe.momentum=0,0.9"), 1),
        (("recipe.optimizer=sgd,adam", "recipe.weight_decay=0,0.1"), 2),
        (("recipe.last_batch=keep,drop", "recipe.batch_size=8,32"), 4),
        (("model.width=4,8", "recipe.schedule=cosine,step"), 2),
    ],
)
def test_networks_are_tried_once_for_all_points_that_they_are_alike_at(
    axes: tuple[str, ...], kinds: int, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    really = TrainingTrial.of
    monkeypatch.setattr(
        TrainingTrial, "of", lambda *given: (tried.append(given[2]), really(*given))[1]
    )
    spec = spec_of(data, *axes)
    variants = prepare(spec, root=Path(), python=PythonParts()).variants
    assert tried == ["none", "batch"] * kinds
    assert tuple(variants) == spec.sweep.points
    for point, variant in variants.items():
        by_itself = prepare(spec.at(point), root=Path(), python=PythonParts())
        (alone,) = by_itself.variants.values()
        assert vars(variant) | {"batches": None} == vars(alone) | {"batches": None}
        assert variant.batches.epoch(1)[0].equal(alone.batches.epoch(1)[0])
        assert variant.batches.steps_per_epoch == alone.batches.steps_per_epoch
