"""In which order runs are given out, on an imagined machine."""

from __future__ import annotations

from normlab.data.batches import BatchStream
from normlab.spec.plan import RunKey, plan
from normlab.spec.recipe import Recipe
from normlab.spec.study import StudySpec
from normlab.study.differences import Told
from normlab.study.order import longest_first
from normlab.study.pace import makespan
from normlab.study.prepare import Variant
from normlab.study.source import BuiltIn

SIZES = {"none": 100_000, "batch": 110_000, "wide": 10_000_000}


def variant(spec: StudySpec) -> Variant:
    return Variant(
        spec=spec,
        source=BuiltIn(spec.model),
        shared=(),
        parameters=SIZES,
        networks={},
        starts={},
        moved=(),
        told=Told(network_differences=(), network_notes=()),
        batches=BatchStream(640, batch_size=64, seed=0, last_batch="keep"),
    )


def given_out(spec: StudySpec) -> list[RunKey]:
    starts = dict.fromkeys(plan(spec), 0)
    return longest_first(starts, {(): variant(spec)}, spec.recipe.epochs)


def test_arms_of_unlike_speed_keep_two_workers_busy_to_the_end() -> None:
    seconds = {"none": 12.0, "batch": 13.8}
    order = given_out(StudySpec(recipe=Recipe(epochs=5)))
    taken = [seconds[key.arm] for key in order]
    assert makespan([], taken, workers=2) <= 1.02 * sum(taken) / 2


def test_twins_are_given_out_one_behind_the_other() -> None:
    order = given_out(StudySpec(seeds=(3, 1, 2)))
    assert [key.seed for key in order] == [3, 3, 1, 1, 2, 2]


def test_the_longest_come_first() -> None:
    order = given_out(
        StudySpec(arms=("none", {"name": "wide", "norm": "layer"}), seeds=(0, 1))
    )
    assert [key.arm for key in order] == ["wide", "wide", "none", "none"]


def test_of_a_seed_the_largest_rates_come_last() -> None:
    rates = Recipe(rates=(0.1, 1.0, 0.01))
    order = given_out(StudySpec(recipe=rates, seeds=(0, 1)))
    assert [key.rate for key in order] == 2 * [0.01, 0.01, 0.1, 0.1, 1.0, 1.0]
