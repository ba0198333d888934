"""What is measured when all runs have ended is that of the runs themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from normlab.base.hold import preserved
from normlab.base.streams import stream
from normlab.data.feed import Feed
from normlab.data.load import load
from normlab.probes.sharpness import sharpness
from normlab.records.events import EpochDone
from normlab.records.folder import StudyFolder
from normlab.records.observed.sharpness import SharpnessArrays
from normlab.spec.arms import Arm
from normlab.spec.settings import with_settings
from normlab.study import api
from normlab.study.source import source_of
from normlab.study.twins import build_twin
from normlab.train.run import Run
from normlab.train.run_config import RunConfig
from tests.study.cases import StopsAfter, spec_of, write_data

EPOCHS, STEPS = 3, 7
BATCH = Arm(name="batch", norm="batch")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("afterwards"))


def measured(data: Path, folder: Path, *settings: str, stop: int = 0) -> StudyFolder:
    """One run without surfaces, stopped after so many epochs and resumed."""
    more = ("measure=full", "surfaces.seeds=0", "seeds=1", *settings)
    spec = spec_of(data, *more).model_copy(update={"arms": (BATCH,)})
    if stop:
        with pytest.raises(KeyboardInterrupt):
            api.run(spec, folder, watcher=StopsAfter(stop))
        api.resume(folder)
    else:
        api.run(spec, folder)
    return StudyFolder.open(folder)


@pytest.mark.parametrize("stop", [0, 1])
def test_sharpness_is_that_of_the_network_in_training(
    data: Path, tmp_path: Path, stop: int
) -> None:
    study = measured(data, tmp_path / "study", "recipe.schedule=cosine", stop=stop)
    spec, dataset = study.spec, load(study.spec.data)
    source = source_of(spec.model, root=Path(), given=None)
    (run,) = study.read().runs
    seen = run.observed[SharpnessArrays]
    model = build_twin(
        source, BATCH, BATCH, seed=run.key.seed, shape=dataset.shape, classes=2
    )
    draws = stream(run.key.seed, "sharpness images")
    images = torch.randperm(100, generator=draws)[:256][:64].numpy()
    part = dataset.train.chosen(images)
    feed = Feed(part, dataset.mean, dataset.std, torch.device("cpu"))
    batch = feed.take(torch.arange(64))
    config = RunConfig(
        key=run.key, recipe=spec.recipe, dataset=dataset, device=torch.device("cpu")
    )
    expected = []
    for event in Run(model, config).events():
        if isinstance(event, EpochDone) and event.epoch in (1, EPOCHS):
            with preserved(model):
                expected.append(
                    sharpness(model, [batch], loss=cross_entropy, seed=run.key.seed)
                )
    assert seen.steps.tolist() == [STEPS, EPOCHS * STEPS]
    assert seen.eigenvalue.tolist() == expected
    # cosine: at t = 7 of 21 steps .01 (1 + cos(pi / 3)) / 2, at the end nothing
    assert seen.limit[0] == pytest.approx(2 / 0.0075)
    assert seen.momentum_limit[0] == pytest.approx(3.8 / 0.0075)
    assert not np.isfinite(seen.limit[1])
    assert not list((tmp_path / "study").glob("arrays/*/epochs"))


def test_other_optimizers_have_no_sharpness(data: Path) -> None:
    sgd = spec_of(data, "measure=full")
    assert sgd.measures_sharpness
    assert not spec_of(data, "measure=light").measures_sharpness
    assert not with_settings(sgd, ["recipe.optimizer=adam"]).measures_sharpness
