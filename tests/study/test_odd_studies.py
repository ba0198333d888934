"""Whole studies off the usual way: images drawn anew, one step, a run that dies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from normlab.base.slots import NormMaker
from normlab.facade.compare import compare
from normlab.report.write import write
from normlab.spec.study import StudySpec
from normlab.study import api
from normlab.study.prepare import PythonParts
from tests.study.cases import StopsAfter


def test_images_drawn_anew_every_epoch_reach_the_workers(tmp_path: Path) -> None:
    class Drawn:  # within: so that it travels by value
        def __len__(self) -> int:
            return 60

        def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
            noise = np.random.rand(1, 6, 6)  # noqa: NPY002
            return (noise + index % 3).astype(np.float32), index % 3

    found = compare(
        data=Drawn(),
        augment="live",
        seeds=2,
        epochs=2,
        batch_size=10,
        measure="none",
        out=tmp_path / "study",
    )
    assert {run.status for run in found.record.runs} == {"done"}
    orders = {(run.key.seed, run.batch_digest) for run in found.record.runs}
    assert len(orders) == 2  # one for each seed, whatever the arm


def test_images_frozen_from_a_generator_of_their_own_are_gone_on_with(
    tmp_path: Path,
) -> None:
    class OwnDraws:  # within: so that it travels by value
        def __init__(self) -> None:
            self.draw = np.random.default_rng()

        def __len__(self) -> int:
            return 60

        def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
            return self.draw.random((6, 6), np.float32) + index % 3, index % 3

    spec = StudySpec(
        data={"source": "python", "augment": "freeze"},
        seeds=(0,),
        recipe={"epochs": 2, "batch_size": 10},
        measure="none",
    )
    folder = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        api.run(
            spec, folder, watcher=StopsAfter(1), python=PythonParts(data=OwnDraws())
        )
    found = api.resume(folder, python=PythonParts(data=OwnDraws()))
    assert {run.status for run in found.record.runs} == {"done"}
    assert not (folder / "scratch").exists()


@pytest.mark.parametrize(
    ("batch_size", "lr", "status"), [(60, 0.01, "done"), (10, 900.0, "diverged")]
)
def test_a_study_of_next_to_nothing_has_a_report(
    batch_size: int, lr: float, status: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    images = rng.random((90, 1, 6, 6), np.float32)
    found = compare(
        data=(images, np.arange(90) % 3),
        seeds=1,
        epochs=1,
        lr=lr,
        batch_size=batch_size,
        norm=("none", "layer"),
        out=tmp_path / "study",
    )
    assert status in {run.status for run in found.record.runs}
    assert write(found, tmp_path / "page.html").stat().st_size > 0


class Turned(nn.Module):
    """Products of tokens with each other: only a norm says what units are."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(6, 6), norm
        self.relu, self.out = nn.ReLU(), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.linear(x.flatten(1, 2))
        products = tokens @ tokens.transpose(1, 2)
        return self.out(self.relu(self.norm(products)).mean(2))


def test_what_only_one_arm_shows_is_drawn_of_that_arm(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    images = rng.random((90, 1, 6, 6), np.float32) + labels[:, None, None, None]
    found = compare(
        model=lambda norm: Turned(norm(6, dims=1)),
        data=(images, labels),
        seeds=1,
        epochs=40,
        lr=0.1,
        batch_size=30,
        out=tmp_path / "study",
    )
    titles = {trace.name for trace in found.plot("percentiles").figure.data}
    assert "with batch norm" in titles and "without batch norm" not in titles
    shown = found.plot("one-neuron").figure.to_json()
    assert "with batch norm: before" in shown and "without" not in shown


def test_twins_without_a_common_weight_are_compared_in_what_they_do(
    tmp_path: Path,
) -> None:
    def widths_of_their_own(norm: NormMaker) -> nn.Module:
        width = 12 if isinstance(norm(12), nn.Identity) else 10
        hidden = nn.Linear(36, width), norm(width), nn.ReLU()
        return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(width, 3))

    rng, labels = np.random.default_rng(0), np.arange(90) % 3
    found = compare(
        model=widths_of_their_own,
        data=(
            rng.random((90, 1, 6, 6), np.float32) + labels[:, None, None, None],
            labels,
        ),
        seeds=1,
        epochs=20,
        batch_size=30,
        out=tmp_path / "study",
    )
    assert {run.status for run in found.record.runs} == {"done"}
    assert "the 1 shared initial tensor and the batch order" in str(
        found.analysis.fairness
    )
    judged = {claim.id for claim in found.claims()}
    assert "less-covariate-shift" not in judged and "better-accuracy" in judged
