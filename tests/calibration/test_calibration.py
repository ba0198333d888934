"""Verdicts are rarely false: the kept pool, the kept result, the bounds."""

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
from normlab.calibration.error_rates import (
    ANY,
    EQUAL,
    FAILING,
    LADDERS,
    Calibration,
    calibrate,
    remembering,
)
from normlab.calibration.placebo import placebos
from normlab.calibration.pool import Pool, read_pool
from normlab.calibration.share import Share

ROOT = Path(__file__).parents[2]
POOL = Path(__file__).parent / "data" / "pool.npz"
RESULT = ROOT / "benchmarks" / "results" / "calibration.json"
SIZES, STUDIES = (3, 5, 10), 60

OF_RATES = {d.id for d in DEFINITIONS if d.compares == "rates"}
OF_RUNS = {d.id for d in DEFINITIONS} - OF_RATES


@pytest.fixture(scope="module")
def pool() -> Pool:
    return read_pool(POOL)


@pytest.fixture(scope="module")
def rows(pool: Pool) -> tuple[Calibration, ...]:
    return calibrate(pool, sizes=SIZES, studies=STUDIES)


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
    assert len(pool.ladders) >= 60
    assert POOL.stat().st_size < 3_000_000


def test_scaled_rows_leave_every_loss_as_it_was_and_change_the_weights(
    pool: Pool,
) -> None:
    assert len(pool.scaled) == len(pool.normalized) >= 30
    for one, two in zip(pool.normalized, pool.scaled, strict=True):
        assert np.array_equal(one.step_losses, two.step_losses)
        assert one.test_loss == two.test_loss
        assert np.array_equal(one.correct, two.correct)
        assert one.init_digest != two.init_digest


@pytest.mark.parametrize("seeds", SIZES)
def test_studies_that_should_find_nothing_find_something_in_five_percent_at_most(
    pool: Pool, rows: tuple[Calibration, ...], seeds: int
) -> None:
    of_size = [row for row in rows if row.seeds == seeds]
    kinds = {EQUAL, LADDERS, FAILING, *(placebo.name for placebo in placebos(pool))}
    assert {row.kind for row in of_size} == kinds
    assert not [(r.kind, r.claim) for r in of_size if not _good_in_few(r)]


def _good_in_few(row: Calibration) -> bool:
    """Three errors instead of two: three sizes have two dozen rows each."""
    shares = [row.alone, row.false]
    shares += [row.equal] if row.kind in (EQUAL, LADDERS, FAILING) else []
    return all(share.rate <= 0.05 + 3 * share.error for share in shares)


def test_intervals_of_equal_arms_cover_equality(rows: tuple[Calibration, ...]) -> None:
    assert 0.03 < _missed(rows) < 0.06


def _missed(rows: tuple[Calibration, ...]) -> float:
    """The share of intervals that miss, over all claims on equal arms."""
    found = [row.missed for row in rows if row.kind == EQUAL]
    return sum(share.wrong for share in found) / sum(share.of for share in found)


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
    alone = replace(pool, ladders=(), normalized=(), scaled=())
    assert _missed(calibrate(alone, sizes=[3], studies=STUDIES)) > 0.09


def test_the_kept_result_covers_every_claim_and_is_good(kept: dict[str, Any]) -> None:
    for seeds in SIZES:
        rows = [row for row in kept["claims"] if row["seeds"] == seeds]
        of = {
            kind: {row["claim"] for row in rows if row["kind"] == kind}
            for kind in (EQUAL, LADDERS, FAILING)
        }
        # where all runs train, that is said in a line instead
        wanted = {*OF_RUNS, ANY} - {"trains-at-all"}
        assert of[EQUAL] == wanted, "run make calibrate ARGS=--train"
        assert of[LADDERS] == {*OF_RATES, ANY}
        assert of[FAILING] == {"trains-at-all", ANY}
        assert all(row["studies"] >= 1000 for row in rows)
    assert not [row for row in kept["claims"] if not row["good"]]


def test_the_kept_result_is_of_the_kept_pool(kept: dict[str, Any], pool: Pool) -> None:
    assert kept["pool"]["runs"] == len(pool.runs)
    assert kept["pool"]["steps"] == pool.runs[0].step_losses.size
    assert kept["pool"]["normalized"] == len(pool.normalized)


def test_the_documented_tables_are_the_kept_result(
    kept: dict[str, Any], script: dict[str, Any]
) -> None:
    assert script["tables"](kept) in (ROOT / "docs" / "claims.md").read_text()


def test_what_is_remembered_is_what_would_be_measured(pool: Pool) -> None:
    one, two = pool.runs[:2]
    pair = Twins(seed=0, baseline=one, other=two)
    back = Twins(seed=0, baseline=two, other=one)
    for plain, quick in zip(DEFINITIONS, remembering(DEFINITIONS), strict=True):
        if plain.compares == "runs":
            for twins in (pair, back, pair):
                assert quick.effect(twins) == plain.effect(twins)


FEW, MANY = Share(5, 100, 0.02), Share(20, 100, 0.02)
FINE = Calibration(
    kind=EQUAL,
    claim="any",
    seeds=3,
    studies=100,
    judged=100,
    pairs=1.0,
    alone=FEW,
    false=FEW,
    equal=FEW,
    missed=FEW,
)


@pytest.mark.parametrize("share", ["alone", "false", "equal", "missed"])
def test_a_row_with_one_share_too_large_is_not_good(share: str) -> None:
    assert FINE.good
    assert not replace(FINE, **{share: MANY}).good


@pytest.mark.parametrize("share", ["alone", "false"])
def test_of_placebos_false_verdicts_count_and_nothing_else(share: str) -> None:
    placebo = replace(FINE, kind="a placebo", equal=MANY, missed=MANY)
    assert placebo.good
    assert not replace(placebo, **{share: MANY}).good
