"""What a study is said to take, beside what it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy

from normlab.spec.study import StudySpec
from normlab.study import api
from normlab.study.ahead import COST, SURVEY, long_survey
from normlab.study.executor import LocalExecutor
from normlab.study.forecast import REPORT, Forecast, forecast
from normlab.study.prepare import PythonParts, prepare
from tests.study.cases import spec_of, write_data

SLEEP = 0.02


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def slow(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of which each step takes a known time at least."""
    if torch.is_grad_enabled():
        time.sleep(SLEEP)
    return cross_entropy(outputs, labels)


def slow_forward(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy that is slow where nothing is learnt, as on a surface."""
    if not torch.is_grad_enabled():
        time.sleep(SLEEP / 10)
    return cross_entropy(outputs, labels)


def foretold(
    spec: StudySpec, folder: Path, loss: Callable[..., torch.Tensor] = slow
) -> Forecast:
    prepared = prepare(spec, root=Path(), python=PythonParts(loss=loss))
    executor = LocalExecutor(workers=1, threads=1, logs=folder)
    try:
        return forecast(prepared, executor, folder / "data")
    finally:
        executor.close()


def test_time_is_that_of_all_steps_and_of_what_follows(
    data: Path, tmp_path: Path
) -> None:
    settings = "execution.workers=1", "measure=full", "recipe.epochs=3"
    found = foretold(spec_of(data, *settings), tmp_path)
    # 2 arms and 2 seeds, 3 epochs of 7 steps
    assert found.training >= 2 * 2 * 3 * 7 * SLEEP
    # 11 steps of each arm at least
    assert found.after.keys() == {SURVEY, COST, REPORT}
    assert found.after[COST] >= 2 * 11 * SLEEP
    assert "--measure light" in found.remedy
    assert found.memory > 50 << 20


def test_surfaces_are_timed_on_the_network_itself(data: Path, tmp_path: Path) -> None:
    settings = "execution.workers=1", "measure=full", "surfaces.exact=true"
    points = "surfaces.points=21"
    found = foretold(spec_of(data, *settings, points), tmp_path, slow_forward)
    # 2 arms on the plane of both and on their own, 6 batches at every point
    least = 2 * 2 * 6 * 21**2 * SLEEP / 10
    assert least <= found.after[SURVEY] < 4 * least


def test_disk_is_what_a_study_leaves(data: Path, tmp_path: Path) -> None:
    spec = spec_of(data, "execution.workers=1", "measure=none")
    found = foretold(spec, tmp_path)
    api.run(spec, tmp_path / "study")
    kept = [
        path.stat().st_size
        for path in (tmp_path / "study/arrays").rglob("*.safetensors")
    ]
    # each file begins with a header, which is larger than this network
    numbers = (36 + 1) * 16 + (16 + 1) * 2
    assert len(kept) == 4 and all(size >= 4 * numbers for size in kept)
    assert 4 * 4 * numbers <= found.kept <= sum(kept)
    images = 140 * 36
    assert found.passing >= images


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("measure=full", "recipe.epochs=1"), True),
        (("measure=full", "recipe.epochs=1000", "seeds=10"), False),
        (("measure=light", "recipe.epochs=1"), False),
    ],
)
def test_surfaces_that_take_longer_than_training_are_said_before(
    data: Path, tmp_path: Path, settings: tuple[str, ...], said: bool
) -> None:
    prepared = prepare(spec_of(data, *settings), root=Path(), python=PythonParts())
    lines = long_survey(prepared.contexts(tmp_path), prepared.variants)
    assert len(lines) == said
    assert all("--measure light" in line for line in lines)
