"""Whether an advantage grows along a sweep: against least squares by NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from normlab.analysis.analyse import judge_all
from normlab.analysis.claim import Claim
from normlab.records.rows import StudyRecord
from normlab.spec.plan import RunKey, plan
from normlab.spec.study import StudySpec

from .studies import run

SIZES = (4, 16, 64)
SEEDS = 6
SCATTER = 0.002 * np.random.default_rng(0).normal(size=(SEEDS, 3, 3))
"""Of the effect, by seed and places on both axes."""


def swept(
    gain: Callable[[RunKey], float], sweep: dict[str, tuple], **settings: object
) -> StudyRecord:
    """Two arms at every point; the other one's accuracy is higher by the gain."""
    spec = StudySpec(seeds=range(SEEDS), recipe={"epochs": 2}, sweep=sweep, **settings)
    runs = [
        run(key, accuracy=0.9 + (gain(key) if key.arm == "batch" else 0.0))
        for key in plan(spec)
    ]
    return StudyRecord(spec=spec, meta={"classes": "10"}, runs=tuple(runs))


def growing(key: RunKey) -> float:
    """Half a point more with each doubling of the batch, give or take."""
    place = SIZES.index(dict(key.point)["recipe.batch_size"])
    return 0.01 * place + SCATTER[key.seed, place, 0]


def slopes_of(record: StudyRecord, x: list[float]) -> list[float]:
    """Least squares for each seed."""
    accuracy = {r.key: r.test_accuracy for r in record.runs}
    found = []
    for seed in range(SEEDS):
        y = [
            accuracy[RunKey("batch", 0.01, seed, point)]
            - accuracy[RunKey("none", 0.01, seed, point)]
            for point in record.spec.sweep.points
        ]
        found.append(float(np.polyfit(x, y, 1)[0]))
    return found


def along(record: StudyRecord, name: str = "better-accuracy-by-batch_size") -> Claim:
    return next(claim for claim in judge_all(record) if claim.id == name)


def test_it_is_the_slope_per_doubling_paired_over_seeds() -> None:
    record = swept(growing, {"recipe.batch_size": SIZES})
    judged, slopes = along(record), slopes_of(record, [2, 4, 6])
    assert [effect.value for effect in judged.effects] == pytest.approx(slopes)
    assert judged.p == pytest.approx(stats.ttest_1samp(slopes, 0).pvalue)
    assert judged.interval == pytest.approx(
        stats.ttest_1samp(slopes, 0).confidence_interval()
    )
    assert judged.verdict == "supported"
    assert judged.where == "over batch_size"
    assert judged.statement == (
        "with batch norm the advantage in accuracy over training without grows with "
        "batch_size"
    )


def test_an_advantage_that_shrinks_contradicts() -> None:
    record = swept(lambda key: -growing(key), {"recipe.batch_size": SIZES})
    assert along(record).verdict == "contradicted"


def test_speed_is_followed_on_the_log_scale() -> None:
    """The ratio of steps at the larger size over that at the smaller one."""
    record = swept(lambda _: 0.0, {"recipe.batch_size": (8, 16)})
    fast = [
        run(
            r.key,
            speed=3.0
            if (r.key.arm, dict(r.key.point).popitem()[1]) == ("batch", 16)
            else 1.0,
        )
        for r in record.runs
    ]
    claims = judge_all(replace(record, runs=tuple(fast)))
    at = {
        c.point: {e.seed: e.value for e in c.effects}
        for c in claims
        if c.id == "faster-convergence"
    }
    first, last = (at[point] for point in record.spec.sweep.points)
    found = along(replace(record, runs=tuple(fast)), "faster-convergence-by-batch_size")
    assert len(found.effects) >= 3
    for seed, ratio in found.effects:
        assert ratio == pytest.approx(last[seed] / first[seed])
    assert found.verdict == "supported"


def test_what_is_no_number_counts_by_its_rank() -> None:
    placement = {"recipe.schedule": ("constant", "cosine")}
    record = swept(
        lambda k: 0.01 * (k.point[0][1] == "cosine") + SCATTER[k.seed, 0, 0], placement
    )
    judged = along(record, "better-accuracy-by-schedule")
    assert [e.value for e in judged.effects] == pytest.approx(slopes_of(record, [0, 1]))
    assert "by step of schedule from constant to cosine" in judged.statement


def test_both_axes_have_a_slope_of_their_own() -> None:
    sweep = {"recipe.batch_size": (4, 16), "recipe.momentum": (0.0, 0.5, 0.9)}

    def gain(key: RunKey) -> float:
        (_, size), (_, momentum) = key.point
        i, j = (4, 16).index(size), (0.0, 0.5, 0.9).index(momentum)
        return 0.004 * i - 0.002 * j + SCATTER[key.seed, i, j]

    record = swept(gain, sweep)
    by_size, by_momentum = along(record), along(record, "better-accuracy-by-momentum")
    # momentum 0 has no doubling: its values count by rank
    design = np.array([[1, x, y] for x in (2, 4) for y in (0, 1, 2)], float)
    accuracy = {r.key: r.test_accuracy for r in record.runs}
    for seed in range(SEEDS):
        e = [
            accuracy[RunKey("batch", 0.01, seed, p)] - 0.9
            for p in record.spec.sweep.points
        ]
        _, of_size, of_momentum = np.linalg.lstsq(design, np.array(e), rcond=None)[0]
        assert by_size.effects[seed].value == pytest.approx(of_size)
        assert by_momentum.effects[seed].value == pytest.approx(of_momentum)


def test_they_are_the_family_and_single_points_are_described() -> None:
    claims = judge_all(swept(growing, {"recipe.batch_size": SIZES}))
    judged = [claim for claim in claims if claim.verdict != "description"]
    assert {claim.id for claim in judged} == {
        "better-accuracy-by-batch_size",
        "faster-convergence-by-batch_size",
    }
    assert all(c.p_holm is None for c in claims if c.compared == "same-rate")
    described = [c for c in claims if c.compared == "same-rate" and c.interval]
    assert {c.note for c in described if c.id == "better-accuracy"} == {
        "not judged by itself: the change along the sweep is"
    }


def test_a_named_experiments_statements_join_them_where_they_speak() -> None:
    arms = ("none", "batch", "ghost", "group")
    record = swept(
        lambda key: 0.01 + SCATTER[key.seed, 0, 0],
        {"recipe.batch_size": (4, 256)},
        arms=arms,
    )
    spec = record.spec.model_copy(update={"experiment": "batch-sizes"})
    claims = judge_all(replace(record, spec=spec))
    stated = {
        (c.arm, c.baseline, c.point)
        for c in claims
        if c.verdict != "description" and c.compared == "same-rate"
    }
    small, large = spec.sweep.points
    assert stated == {("group", "batch", small), ("ghost", "batch", large)}


def test_a_seed_that_lacks_a_point_has_no_slope_and_the_point_is_named() -> None:
    record = swept(growing, {"recipe.batch_size": SIZES})
    lost = RunKey("batch", 0.01, 2, (("recipe.batch_size", 16),))
    runs = [
        replace(r, test_accuracy=None, correct=None) if r.key == lost else r
        for r in record.runs
    ]
    judged = along(replace(record, runs=tuple(runs)))
    assert [effect.seed for effect in judged.effects] == [0, 1, 3, 4, 5]
    assert judged.components[0].missing == 1
    assert "seed 2: no test accuracy at batch_size 16" in judged.note


def test_test_images_add_to_the_uncertainty_of_a_slope() -> None:
    stream = np.random.default_rng(1)
    record = swept(growing, {"recipe.batch_size": SIZES})
    runs = []
    for r in record.runs:
        right = stream.random(300) < (r.test_accuracy or 0)
        runs.append(replace(r, correct=right, test_accuracy=float(right.mean())))
    judged = along(replace(record, runs=tuple(runs)))
    right = {r.key: r.correct.astype(float) for r in runs}  # type: ignore[union-attr]
    weights = np.array([-2, 0, 2]) / 8
    slopes = np.array(
        [
            sum(
                w * (right["batch", 0.01, seed, p] - right["none", 0.01, seed, p])
                for w, p in zip(weights, record.spec.sweep.points, strict=True)
            )
            for seed in range(SEEDS)
        ]
    )
    over = slopes.mean(axis=0).var(ddof=1) - slopes.var(axis=0, ddof=1).mean() / SEEDS
    (part,) = judged.components
    assert part.images is not None
    assert part.images.variance == pytest.approx(max(0.0, over) / 300)
    assert part.images.number == 300
