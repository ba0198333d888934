"""Whole studies off the usual way: images drawn anew, one step, a run that dies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from normlab.facade.compare import compare
from normlab.report.write import write


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
