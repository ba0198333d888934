"""Curvatures and areas that are known give the ratios they were made with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from normlab.analysis.analyse import judge_all
from normlab.analysis.claims.definition import Omitted, Twins
from normlab.analysis.claims.rounder_contours import (
    CLAIM,
    log_curvature_ratio,
    low_areas,
)
from normlab.analysis.claims.seen import log_rise_ratio
from normlab.analysis.claims.smoother_surface import log_rise_ratios
from normlab.analysis.series.low_area import LowArea, low_area
from normlab.records.observed.curvature import CurvatureArrays
from normlab.records.observed.levels import LevelArrays
from normlab.records.observed.observations import Observations
from normlab.records.observed.rises import RiseArrays
from normlab.records.rows import RunRecord
from normlab.records.surface import Mark, StudySurface, Surface
from normlab.spec.plan import RunKey

from .studies import run, study

LOSSES = {3: 0.14, 4: 0.072, 5: 0.036}


def curved(
    arm: str, values: dict[int, Sequence[float]], seed: int = 0, **more: object
) -> RunRecord:
    """A run with eigenvalues by level."""
    arrays = CurvatureArrays(
        steps=np.arange(len(values)) + 200,
        level=np.array([*values], np.int64),
        loss=np.array([LOSSES[level] for level in values], float),
        eigenvalues=np.array([*values.values()], dtype=float).reshape(-1, 3),
    )
    whole = replace(run(RunKey(arm, 0.01, seed)), observed=Observations(arrays))
    return replace(whole, **more)  # type: ignore[arg-type]


def twins(baseline: RunRecord, other: RunRecord) -> Twins:
    return Twins(seed=0, baseline=baseline, other=other)


NONE = {4: (8.0, 4.0, 2.0)}


def test_the_effect_is_that_of_the_lowest_level_that_both_reached() -> None:
    both = twins(
        curved("none", {3: (99.0, 9.0, 1.0), 4: (8.0, 4.0, 2.0)}),
        curved("batch", {3: (9.0, 9.0, 9.0), 4: (6.0, 4.0, 3.0), 5: (1.0, 1.0, 1.0)}),
    )
    assert log_curvature_ratio(both) == pytest.approx(math.log((6 / 3) / (8 / 2)))


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (curved("batch", {3: (3.0, 2.0, 1.0)}), "no level of training loss"),
        (curved("batch", {}), "no level of training loss"),
        (
            curved("batch", {4: (3.0, 2.0, 0.0)}),
            "l3 of the Hessian with batch norm is not pos",
        ),
        (
            curved("batch", {4: (3.0, 2.0, np.nan)}),
            "the network with batch norm has no 3 finite curvatures",
        ),
        (run(RunKey("batch", 0.01, 0)), "recorded before this measure existed"),
    ],
)
def test_twins_without_an_effect_say_why(other: RunRecord, reason: str) -> None:
    found = log_curvature_ratio(twins(curved("none", NONE), other))
    assert isinstance(found, Omitted) and found.because.startswith(reason)


def test_what_could_have_been_measured_is_not_called_old() -> None:
    levels = LevelArrays(steps=np.array([101]), level=np.array([4]))
    other = replace(run(RunKey("batch", 0.01, 0)), observed=Observations(levels))
    found = log_curvature_ratio(twins(curved("none", NONE), other))
    assert isinstance(found, Omitted)
    assert found.because == "the curvature with batch norm was not measured"
    refused = [
        replace(one, observed=Observations(levels, one.observed[CurvatureArrays]))
        for one in (curved("none", {}), curved("batch", {}))
    ]
    found = log_curvature_ratio(twins(*refused))
    assert isinstance(found, Omitted)
    assert found.because == "the curvatures could not be measured"


def test_the_level_is_named_and_old_studies_are_told() -> None:
    runs = [
        curved(arm, {4 + seed % 2: values}, seed)
        for seed in range(4)
        for arm, values in (("none", (8.0, 4.0, 2.0)), ("batch", (2.0 + seed, 2, 1.5)))
    ]
    (claim,) = [c for c in judge_all(study(runs)) if c.id == CLAIM.id]
    assert claim.seeds == 4
    assert claim.beside == "compared at a training loss of 0.036 or 0.072"
    old = [replace(one, observed=Observations()) for one in runs]
    # an old study had bowls, by which this claim was judged
    bowls = [
        StudySurface(kind="bowl", run=one.key, twin="batch", surface=bowl((1.0, 1.0)))
        for one in old
    ]
    record = replace(study(old), bowls=tuple(bowls))
    (claim,) = [c for c in judge_all(record) if c.id == CLAIM.id]
    assert claim.verdict == "not-measurable"
    assert claim.note.startswith("recorded before this measure existed")


def test_without_curvatures_and_surfaces_the_claim_is_not_made() -> None:
    runs = [run(RunKey(arm, 0.01, s)) for s in range(3) for arm in ("none", "batch")]
    assert CLAIM.id not in {claim.id for claim in judge_all(study(runs))}


def bowl(
    curvatures: tuple[float, float], *, angle: float = 0.0, arm: str = "batch"
) -> Surface:
    """A quadratic around (a, b) = (1, 0.5) whose axes are turned by `angle`."""
    a, b = np.linspace(-1, 3, 17), np.linspace(-1.5, 2.5, 17)
    across, along = np.meshgrid(a - 1.0, b - 0.5)
    u = math.cos(angle) * across + math.sin(angle) * along
    v = -math.sin(angle) * across + math.cos(angle) * along
    loss = 0.1 + (curvatures[0] * u**2 + curvatures[1] * v**2) / 2
    marks = (
        Mark(name="start", a=-1.0, b=-1.5, plane_loss=10.1),
        Mark(name=f"end {arm}", a=1.0, b=0.5, plane_loss=0.1),
    )
    return Surface(
        a=a,
        b=b,
        loss=loss,
        directions=({}, {}),
        plane="common",
        statistics="batch",
        batch_size=64,
        examples=64,
        estimated_error=0.0,
        computed=np.ones((17, 17), bool),
        marks=marks,
    )


@pytest.mark.parametrize("ratio", [1.0, 1.4, 2.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, math.pi / 4, 2.5])
def test_an_ellipse_has_its_axes_and_its_area_at_any_angle(
    ratio: float, angle: float
) -> None:
    # half axes sqrt(2 (level - 0.1) / curvature): 1.4 / ratio and 1.4
    low = low_area(bowl((ratio**2, 1.0), angle=angle), "batch", 0.1 + 0.98)
    assert isinstance(low, LowArea)
    assert low.elongation == pytest.approx(ratio, rel=0.03)
    assert low.area == pytest.approx(math.pi * 1.4**2 / ratio, rel=0.05)


def test_an_area_that_leaves_the_window_or_meets_a_hole_is_not_closed() -> None:
    wide = bowl((0.1, 0.1))
    assert low_area(wide, "batch", 1.1) is None
    holed = bowl((1.0, 1.0))
    loss = holed.loss.copy()
    loss[8, 12] = np.nan  # on the rim
    assert low_area(replace(holed, loss=loss), "batch", 0.6) is None
    assert low_area(bowl((1.0, 1.0)), "batch", 0.6) is not None
    assert low_area(bowl((1.0, 1.0)), "layer", 0.6) is None
    assert low_area(bowl((1.0, 1.0)), "batch", 0.05) is None


def test_only_what_is_connected_with_the_end_counts() -> None:
    one = bowl((4.0, 4.0))
    alone = low_area(one, "batch", 0.5)
    loss = one.loss.copy()
    loss[1:3, 1:3] = 0.1  # another low place
    assert low_area(replace(one, loss=loss), "batch", 0.5) == alone


def test_both_arms_have_the_largest_share_at_which_both_are_closed() -> None:
    steep, flat = bowl((4.0, 1.0), arm="none"), bowl((0.5, 0.25))
    pair = Twins(
        seed=0,
        baseline=run(RunKey("none", 0.01, 0)),
        other=run(RunKey("batch", 0.01, 0)),
        bowls=(steep, flat),
    )
    found = low_areas(pair)
    assert found is not None
    # 0.04 of the way, for at 0.06 the flat one is 2 sqrt(0.6 / 0.25) > 2 long
    assert found.other == low_area(flat, "batch", 0.1 + 0.04 * 10)
    assert found.baseline == low_area(steep, "none", 0.1 + 0.04 * 10)
    ratios = [one.effect(pair, 0.0) for one in CLAIM.beside]
    assert ratios[0] == pytest.approx(math.log(math.sqrt(2) / 2), abs=0.06)
    assert ratios[1] == pytest.approx(math.log(2 / math.sqrt(0.125)), abs=0.1)


def test_rises_are_compared_at_one_radius() -> None:
    def risen(arm: str, by: tuple[float, float]) -> RunRecord:
        rise = np.array(by) * np.array([[1.0, 2.0], [3.0, 4.0]])[..., None]
        arrays = RiseArrays(
            steps=np.array([9]),
            loss=np.array([0.1]),
            radii=np.array([0.1, 0.3]),
            rise=np.moveaxis(rise, -1, 1)[None],
        )
        return replace(run(RunKey(arm, 0.01, 0)), observed=Observations(arrays))

    pair = twins(risen("none", (1.0, 1.0)), risen("batch", (0.5, 3.0)))
    assert log_rise_ratio(pair, 0.1) == pytest.approx(math.log(0.5))
    assert log_rise_ratio(pair, 0.3) == pytest.approx(math.log(3.0))
    assert log_rise_ratio(pair, 0.2) is None
    both = log_rise_ratios(pair, 0.0)
    wanted = {"at radius 0.1": math.log(0.5), "at radius 0.3": math.log(3.0)}
    assert both == pytest.approx(wanted)
    assert log_rise_ratio(twins(run(pair.baseline.key), pair.other), 0.1) is None
