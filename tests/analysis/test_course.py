from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from normlab.analysis.series.curves import running_median
from normlab.analysis.series.trajectory import (
    POINTS,
    TOGETHER,
    accuracy_bands,
    grid,
    loss_bands,
    smooth_at,
    twin_bands,
)
from normlab.records.rows import GlimpseRow, RunRecord
from normlab.spec.plan import RunKey

from .studies import changed, run, study, twins_study


def test_inside_the_curve_it_is_the_running_median_of_the_claims() -> None:
    losses = np.random.default_rng(0).random(400)
    inside = np.arange(51, 351)
    expected = running_median(losses, 101)[inside - 1]
    np.testing.assert_array_equal(smooth_at([losses], inside)[0], expected)


def test_the_first_point_is_the_first_loss() -> None:
    assert smooth_at([np.array([5.0, 1.0, 1.0])], np.array([1]))[0] == [5.0]


def test_runs_of_other_lengths_beside_it_do_not_change_a_curve() -> None:
    stream = np.random.default_rng(0)
    sizes = [400, 7, 400, 120, *[130] * (TOGETHER + 1)]
    losses = [stream.random(size) for size in sizes]
    losses[2][200] = np.nan
    step = grid(400)
    alone = [smooth_at([of_run], step)[0] for of_run in losses]
    np.testing.assert_array_equal(smooth_at(losses, step), alone)


def test_the_grid_has_first_and_last_step_and_few_points() -> None:
    steps = grid(100_000)
    assert (steps[0], steps[-1]) == (1, 100_000)
    assert len(steps) <= POINTS
    assert (np.diff(steps) > 0).all()


def test_equal_twins_have_ratio_one_and_a_band_of_no_width() -> None:
    (band,) = twin_bands(twins_study(3, lambda seed: {}))
    np.testing.assert_allclose(band.mean, 1)
    np.testing.assert_allclose(band.low, 1)
    np.testing.assert_allclose(band.high, 1)


def test_one_seed_has_a_line_but_no_band() -> None:
    (band,) = loss_bands(study([run(RunKey("none", 0.01, 0))], arms=("none",)))
    assert np.isfinite(band.mean).all()
    assert np.isnan(band.low).all()


def test_a_curve_ends_where_its_run_diverged() -> None:
    key = RunKey("none", 0.01, 0)
    record = study([run(key)], arms=("none",))
    losses = record.runs[0].step_losses.copy()
    losses[200:] = np.nan
    (band,) = loss_bands(changed(record, key, step_losses=losses, status="diverged"))
    ends = band.step[np.isfinite(band.mean)].max()
    assert 140 <= ends <= 200


def test_every_rate_has_bands_of_its_own() -> None:
    keys = [RunKey(arm, rate, 0) for rate in (0.01, 0.1) for arm in ("none", "batch")]
    record = study([run(key) for key in keys])
    assert [(band.arm, band.rate) for band in loss_bands(record)] == [
        (key.arm, key.rate) for key in keys
    ]
    assert [(band.arm, band.rate) for band in twin_bands(record)] == [
        ("batch", 0.01),
        ("batch", 0.1),
    ]


def with_glimpses(seed: int, *accuracies: float) -> RunRecord:
    glimpses = tuple(
        GlimpseRow(step=step, loss=1.0, accuracy=accuracy)
        for step, accuracy in zip((1, 2, 200), accuracies, strict=False)
    )
    return replace(run(RunKey("none", 0.01, seed), accuracy=0.9), glimpses=glimpses)


def test_accuracy_is_that_of_glimpses_alone() -> None:
    runs = [with_glimpses(0, 0.1, 0.2, 0.7), with_glimpses(1, 0.3, 0.2, 0.7)]
    (band,) = accuracy_bands(study(runs, arms=("none",)))
    # the epochs' 0.9, on other images, is not among them
    assert band.step.tolist() == [1, 2, 200]
    assert band.mean == pytest.approx([0.2, 0.2, 0.7])
    assert band.high[1] == pytest.approx(0.2)


def test_runs_without_a_test_have_no_accuracy() -> None:
    whole = replace(run(RunKey("none", 0.01, 0)), glimpses=())
    assert not accuracy_bands(study([whole], arms=("none",)))
