from __future__ import annotations

import json
from dataclasses import replace

from normlab.facade.result import Result
from normlab.report.build import build
from normlab.report.conditions import different, equal, extent
from normlab.spec.study import StudySpec
from tests.analysis.sweeps import over_rates, rates_spec

SIZES = {"recipe.batch_size": [8, 64]}
AFTER = {"name": "after", "norm": "batch", "model": {"placement": "after"}}
GHOST = {"name": "ghost", "norm": "ghost(chunk=8)"}


def of(spec: StudySpec) -> Result:
    return Result(over_rates(spec, lambda key: 0.1))


def test_a_swept_setting_is_equal_at_each_of_its_values() -> None:
    text = equal(rates_spec(0.01, sweep=SIZES))
    assert "the batch size (at each value of 8, 64)" in text
    assert "(64)" not in text
    assert "the batch size (64)" in equal(rates_spec(0.01))


def test_a_swept_setting_that_is_not_always_named_is_named() -> None:
    text = equal(rates_spec(0.01, sweep={"model.depth": [3, 10]}))
    assert "depth (at each value of 3, 10)" in text


def test_each_arm_has_its_parameters_once() -> None:
    text = different(of(rates_spec(0.01, 0.1, sweep=SIZES)))
    assert text.startswith("Different: the norm alone, and ")
    assert text.count("parameters") == 3
    assert text.count("with batch norm: ") == 1


def test_parameters_that_differ_between_points_are_told_for_each() -> None:
    result = of(rates_spec(0.01, sweep={"model.depth": [3, 10]}))
    runs = tuple(
        replace(run, parameters=100 * int(dict(run.key.point)["model.depth"]))
        for run in result.record.runs
    )
    text = different(Result(replace(result.record, runs=runs)))
    assert (
        "without batch norm: 300 parameters at depth 3 and 1,000 parameters at depth 10"
        in text
    )


def test_arms_that_differ_in_more_than_the_norm_say_so() -> None:
    text = different(of(StudySpec(arms=("none", "batch", AFTER))))
    assert text.startswith("Different: the norm and placement, and ")
    assert "with batch norm (after): placement after, " in text


def test_what_else_arms_differ_in_is_not_denied() -> None:
    record = of(rates_spec(0.01)).record
    told = {"network_differences": json.dumps(["in batch, not in none: 4 (ReLU)"])}
    text = different(Result(replace(record, meta={**record.meta, **told})))
    assert text.startswith("Different: the norm and what is named above, and ")


def test_arms_of_one_norm_differ_in_what_they_vary() -> None:
    text = different(of(StudySpec(arms=("batch", AFTER))))
    assert text.startswith("Different: the placement alone, and ")


def test_the_options_of_a_norm_are_named() -> None:
    told = different(of(StudySpec(arms=("none", GHOST))))
    assert "with ghost batch norm: chunk 8, " in told


def test_the_extent_names_every_value() -> None:
    spec = rates_spec(0.01, 0.1, sweep=SIZES)
    assert extent(spec) == (
        "2 arms × 2 learning rates (0.01, 0.1) × batch_size (8, 64) × 4 seeds, 2 epochs"
    )


def test_the_page_has_all_of_it_and_a_step_table_for_each_point() -> None:
    result = of(rates_spec(0.01, 0.1, sweep=SIZES))
    page = build(result)
    assert extent(result.record.spec) in page
    assert equal(result.record.spec) in page
    assert different(result) in page
    assert page.count("target: per seed, the highest test accuracy") == 2
