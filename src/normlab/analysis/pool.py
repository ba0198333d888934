"""A pool of runs in one small file: what the claims need of them, no more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from normlab.records.rows import EpochRow, RunRecord
from normlab.spec.plan import RunKey


def write_pool(path: Path, runs: Sequence[RunRecord]) -> None:
    """Keep step losses, accuracies and which images were right, compressed.

    Args:
        path: Ends in `.npz`; replaced if it exists.
        runs: All done, with the same number of steps, epochs and test images.
    """
    right = np.stack([run.correct for run in runs if run.correct is not None])
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        seeds=np.array([run.key.seed for run in runs]),
        step_losses=np.stack([run.step_losses for run in runs]).astype(np.float32),
        step_seconds=np.array([run.step_seconds for run in runs]),
        epochs=np.array(len(runs[0].epochs)),
        images=np.array(right.shape[1]),
        correct=np.packbits(right, axis=1),
    )


def read_pool(path: Path) -> tuple[RunRecord, ...]:
    """The runs of a pool, as far as claims look at them."""
    with np.load(path, allow_pickle=False) as kept:
        arrays = dict(kept)
    correct = np.unpackbits(arrays["correct"], axis=1, count=int(arrays["images"]))
    right = correct.astype(np.bool_)
    return tuple(
        RunRecord(
            key=RunKey("none", 0.01, int(seed)),
            status="done",
            epochs=tuple(_epoch(number) for number in range(int(arrays["epochs"]))),
            step_losses=arrays["step_losses"][i],
            step_seconds=float(arrays["step_seconds"][i]),
            correct=right[i],
            test_accuracy=float(right[i].mean()),
        )
        for i, seed in enumerate(arrays["seeds"])
    )


def _epoch(number: int) -> EpochRow:
    return EpochRow(
        epoch=number + 1,
        train_loss=float("nan"),
        test_loss=None,
        test_accuracy=None,
        seconds=0.0,
    )
