from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from normlab.analysis.calibration import Calibration, aa_studies, calibrate
from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.pool import read_pool
from normlab.records.rows import RunRecord

POOL = Path(__file__).parent / "data" / "pool.npz"
RESULT = Path(__file__).parents[2] / "benchmarks" / "results" / "calibration.json"


@pytest.fixture(scope="module")
def pool() -> tuple[RunRecord, ...]:
    return read_pool(POOL)


def test_the_pool_holds_sixty_runs_that_really_differ(
    pool: tuple[RunRecord, ...],
) -> None:
    assert len(pool) >= 60
    assert len({run.step_losses.tobytes() for run in pool}) == len(pool)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_equal_arms_are_told_apart_in_five_percent_at_most(
    pool: tuple[RunRecord, ...], seeds: int
) -> None:
    rows = calibrate(pool, seeds=seeds, studies=40)
    assert [row.claim for row in rows] == [
        d.id for d in DEFINITIONS if d.compares == "runs" and not d.probe
    ]
    assert all(row.good for row in rows), rows


def test_real_runs_give_effects_for_the_claims(pool: tuple[RunRecord, ...]) -> None:
    rows = calibrate(pool, seeds=5, studies=10)
    measured = {row.claim for row in rows if row.intervals == row.studies}
    assert measured >= {"faster-convergence", "better-accuracy", "steadier-training"}


def test_the_stored_result_covers_every_claim_and_is_good() -> None:
    rows = json.loads(RESULT.read_text())["claims"]
    assert {row["claim"] for row in rows} == {
        claim.id for claim in DEFINITIONS if claim.compares == "runs"
    }
    assert {row["seeds"] for row in rows} == {3, 5, 10}
    assert all(row["good"] for row in rows)


def test_a_study_uses_no_run_twice(pool: tuple[RunRecord, ...]) -> None:
    record = next(aa_studies(pool, seeds=10, studies=1))
    assert len({run.step_losses.tobytes() for run in record.runs}) == 20


@pytest.mark.parametrize(("false", "missed"), [(10, 0), (0, 10)])
def test_ten_wrong_of_a_hundred_are_too_many_and_nine_are_not(
    false: int, missed: int
) -> None:
    row = Calibration(
        claim="any", seeds=3, studies=100, false=false, missed=missed, intervals=100
    )
    # 5 + 2 sqrt(100 x .05 x .95) = 9.36
    assert not row.good
    assert replace(row, false=min(false, 9), missed=min(missed, 9)).good
