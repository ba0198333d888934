"""A pool gives every claim what it looks at, as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.calibration.pool import ARM, Pool, read_pool, write_pool
from normlab.records.observed.gradient import GradientArrays
from normlab.records.rows import RunRecord
from normlab.spec.plan import RunKey
from tests.analysis.studies import run
from tests.analysis.test_probe_claims import (
    Arrays,
    activations,
    gradient,
    outputs,
    seen,
)

RIGHT = np.arange(13) % 3 > 0


def made(seed: int, *observed: Arrays) -> RunRecord:
    whole: Arrays = {}
    for arrays in observed:
        whole |= arrays
    key = RunKey(ARM, 0.01, seed)
    plain = run(key, correct=RIGHT, accuracy=float(RIGHT.mean()))
    return replace(plain, observed=seen(whole))


def kept(pool: Pool, tmp_path: Path) -> Pool:
    write_pool(tmp_path / "pool.npz", pool)
    return read_pool(tmp_path / "pool.npz")


def test_a_pool_keeps_what_claims_look_at(tmp_path: Path) -> None:
    runs = tuple(made(seed) for seed in range(2))
    read = kept(Pool(runs=runs), tmp_path)
    assert read.ladders == read.normalized == read.scaled == ()
    for before, after in zip(runs, read.runs, strict=True):
        assert after.key == before.key
        assert after.init_digest == before.init_digest
        assert np.array_equal(after.step_losses, before.step_losses)
        assert after.correct is not None
        assert np.array_equal(after.correct, RIGHT)
        assert after.test_accuracy == before.test_accuracy
        assert after.test_loss == before.test_loss
        assert len(after.epochs) == len(before.epochs)


@pytest.mark.parametrize(
    "claim", [d for d in DEFINITIONS if d.probe], ids=lambda d: d.id
)
def test_what_was_observed_has_the_same_effects(
    claim: Definition, tmp_path: Path
) -> None:
    runs = (
        made(0, activations(), outputs(), gradient()),
        made(
            1,
            activations(drift=0.7, change=0.2, growth=0.5),
            outputs(zigzag=1.5),
            gradient(beta=0.5, error=0.3, shift=0.1),
        ),
    )
    before, after = (
        claim.effect(Twins(seed=0, baseline=pool.runs[0], other=pool.runs[1]))
        for pool in (Pool(runs=runs), kept(Pool(runs=runs), tmp_path))
    )
    assert before and not isinstance(before, Omitted)
    assert after == pytest.approx(before, rel=1e-9)


def test_scaled_runs_keep_what_differs_and_share_the_rest(tmp_path: Path) -> None:
    normalized = tuple(made(seed, gradient()) for seed in range(2))
    scaled = tuple(made(seed, gradient(beta=0.25)) for seed in range(2))
    pool = Pool(runs=normalized, normalized=normalized, scaled=scaled)
    read = kept(pool, tmp_path)
    with np.load(tmp_path / "pool.npz") as file:
        names = {n.removeprefix("scaled/") for n in file if n.startswith("scaled/")}
    assert "seen:gradient:beta_u" in names and "step_losses" not in names
    for before, after in zip(scaled, read.scaled, strict=True):
        assert np.array_equal(after.step_losses, before.step_losses)
        there, here = (r.observed[GradientArrays].beta_u for r in (before, after))
        assert np.array_equal(here, there)


def test_ladders_know_how_every_run_ended(tmp_path: Path) -> None:
    good, bad = (RunKey(ARM, rate, 7) for rate in (0.1, 6.0))
    ladder = (
        RunRecord(key=good, status="done", test_loss=0.25),
        RunRecord(key=bad, status="diverged", test_loss=None),
    )
    ((one, two),) = kept(Pool(runs=(made(0),), ladders=(ladder,)), tmp_path).ladders
    assert (one.key, one.status, one.test_loss) == (good, "done", 0.25)
    assert (two.key, two.status) == (bad, "diverged")
