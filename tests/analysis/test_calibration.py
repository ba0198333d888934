"""Equal arms are rarely told apart: the kept pool, the kept result, the bounds."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Twins
from normlab.analysis.inference import mean
from normlab.calibration.equal_arms import studies_of_ladders, studies_of_runs
from normlab.calibration.error_rates import (
    ANY,
    Calibration,
    calibrate,
    remembering,
)
from normlab.calibration.pool import Pool, read_pool

ROOT = Path(__file__).parents[2]
POOL = Path(__file__).parent / "data" / "pool.npz"
RESULT = ROOT / "benchmarks" / "results" / "calibration.json"
STUDIES = 120

# curvatures are not in the pool yet: it was trained before they were measured
EVERY_CLAIM = {claim.id for claim in DEFINITIONS} - {"rounder-contours"}
# the kept pool was trained before these had their measure, and counted before that
LACKING = {"smoother-surface", "predictable-steps", "straighter-path"}
NOT_COUNTED = {"calmer-variance"}


@pytest.fixture(scope="module")
def pool() -> Pool:
    return read_pool(POOL)


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "benchmarks" / "calibration.py"))


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    return json.loads(RESULT.read_text())


def test_the_pool_holds_sixty_runs_that_really_differ(pool: Pool) -> None:
    assert len(pool.runs) >= 60
    assert len({run.step_losses.tobytes() for run in pool.runs}) == len(pool.runs)
    assert len({run.init_digest for run in pool.runs}) == len(pool.runs)
    assert len(pool.ladders) >= 20
    assert POOL.stat().st_size < 2_000_000


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_equal_arms_are_told_apart_in_five_percent_at_most(
    pool: Pool, seeds: int
) -> None:
    rows = calibrate(pool, seeds=seeds, studies=STUDIES)
    assert {row.claim for row in rows} == EVERY_CLAIM | {ANY}
    assert not [row for row in rows if not row.good]


MEANS_OF = mean.means_of


def normal(freedom: int, confidence: float = 0.95) -> float:
    del freedom
    return float(ndtri(0.5 + confidence / 2))


def too_narrow(*of: Any) -> tuple[mean.Mean, ...]:
    found = MEANS_OF(*of)
    return tuple(each._replace(error=each.error / np.sqrt(of[2])) for each in found)


WRONG: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "normal quantile": (mean, "t_quantile", normal),
    "divided by n, not its root": (mean, "means_of", too_narrow),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_interval_would_be_noticed_with_three_seeds(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setattr(*WRONG[wrong])
    rows = calibrate(pool, seeds=3, studies=STUDIES)
    with_interval = [row for row in rows if row.intervals]
    bad = [row.claim for row in with_interval if not row.good]
    assert len(bad) > len(with_interval) / 2


def test_real_runs_give_an_effect_for_every_claim(pool: Pool) -> None:
    rows = calibrate(pool, seeds=5, studies=10)
    differ = {row.claim for row in rows if row.differing > 0}
    assert differ == EVERY_CLAIM - LACKING, (
        "the pool lacks what a claim rests on: keep it in "
        "src/normlab/calibration/pool.py, then make calibrate ARGS=--train"
    )
    few = {row.claim for row in rows if row.pairs < 1 and row.claim != ANY}
    # of runs so short some share too few bins of equal loss
    assert few == {"steadier-training", *LACKING}


def test_the_kept_result_covers_every_claim_and_is_good(kept: dict[str, Any]) -> None:
    for seeds in (3, 5, 10):
        rows = [row for row in kept["claims"] if row["seeds"] == seeds]
        claims = {row["claim"] for row in rows}
        assert claims | NOT_COUNTED == EVERY_CLAIM | {ANY}, "run make calibrate"
        assert all(row["studies"] >= 1000 for row in rows)
    assert not [row for row in kept["claims"] if not row["good"]]


def test_the_kept_result_is_of_the_kept_pool(kept: dict[str, Any], pool: Pool) -> None:
    assert kept["pool"]["runs"] == len(pool.runs)


def test_the_documented_table_is_the_kept_result(
    kept: dict[str, Any], script: dict[str, Any]
) -> None:
    assert script["table"](kept) in (ROOT / "docs" / "claims.md").read_text()


def test_a_study_uses_no_run_twice(pool: Pool) -> None:
    record = next(studies_of_runs(pool, seeds=10, studies=1))
    assert len({run.step_losses.tobytes() for run in record.runs}) == 20


def test_a_study_of_ladders_has_every_rate_of_every_seed(pool: Pool) -> None:
    record = next(studies_of_ladders(pool, seeds=3, studies=1))
    rates = record.spec.recipe.rates
    keys = {run.key for run in record.runs}
    assert len(keys) == len(record.runs) == 2 * 3 * len(rates)


def test_what_is_remembered_is_what_would_be_measured(pool: Pool) -> None:
    one, two = pool.runs[:2]
    pair = Twins(seed=0, baseline=one, other=two)
    back = Twins(seed=0, baseline=two, other=one)
    for plain, quick in zip(DEFINITIONS, remembering(), strict=True):
        if plain.compares == "runs" and plain.id in EVERY_CLAIM:
            for twins in (pair, back, pair):
                assert quick.effect(twins) == plain.effect(twins)


@pytest.mark.parametrize("count", ["alone", "false", "missed"])
def test_ten_wrong_of_a_hundred_are_too_many_and_nine_are_not(count: str) -> None:
    row = Calibration(
        claim="any",
        where="",
        seeds=3,
        studies=100,
        judged=100,
        pairs=1.0,
        differing=1.0,
        alone=0,
        false=0,
        missed=0,
        intervals=100,
    )
    # 5 + 2 sqrt(100 x .05 x .95) = 9.36
    assert not replace(row, **{count: 10}).good
    assert replace(row, **{count: 9}).good
