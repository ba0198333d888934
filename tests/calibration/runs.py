"""Runs to calibrate by, made up: noise around one curve, and images got right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from normlab.calibration.pool import ARM
from normlab.records.rows import EpochRow, RunRecord
from normlab.spec.plan import RunKey

STEPS, IMAGES = 1200, 4000


def runs(count: int, *, noise: float = 0.2, seed: int = 0) -> tuple[RunRecord, ...]:
    """Losses that fall from 2.3 to 0.05 with jumps of log deviation `noise`."""
    return tuple(_runs(count, noise, np.random.default_rng(seed)))


def _runs(count: int, noise: float, stream: np.random.Generator) -> Iterator[RunRecord]:
    curve = np.geomspace(2.3, 0.05, STEPS)
    for seed in range(count):
        jumps = noise * stream.standard_normal(STEPS)
        right = stream.random(IMAGES) < 0.97
        yield RunRecord(
            key=RunKey(ARM, 0.01, seed),
            status="done",
            init_digest=f"start {seed}",
            epochs=(
                EpochRow(
                    epoch=1,
                    train_loss=float("nan"),
                    test_loss=None,
                    test_accuracy=None,
                    seconds=0.0,
                ),
            ),
            step_losses=(curve * np.exp(jumps)).astype(np.float32),
            correct=right,
            test_loss=0.1,
            test_accuracy=float(right.mean()),
        )
