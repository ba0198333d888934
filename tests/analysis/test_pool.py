from __future__ import annotations

from pathlib import Path

import numpy as np

from normlab.analysis.pool import read_pool, write_pool
from normlab.spec.plan import RunKey

from .studies import run


def test_a_pool_keeps_what_claims_look_at(tmp_path: Path) -> None:
    right = np.arange(13) % 3 > 0
    made = [
        run(RunKey("none", 0.01, seed), correct=right, accuracy=float(right.mean()))
        for seed in range(2)
    ]
    write_pool(tmp_path / "pool.npz", made)
    for before, after in zip(made, read_pool(tmp_path / "pool.npz"), strict=True):
        assert after.key == before.key
        assert np.array_equal(after.step_losses, before.step_losses)
        assert after.correct is not None
        assert np.array_equal(after.correct, right)
        assert after.test_accuracy == before.test_accuracy
        assert after.step_seconds == before.step_seconds
        assert len(after.epochs) == len(before.epochs)
