"""What a sweep came out as, in words, from effects that are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from normlab.analysis.text.answer import answers
from normlab.analysis.text.over_sweep import over_sweep
from normlab.facade.result import Result
from normlab.records.rows import RunRecord, StudyRecord
from normlab.report.build import build
from tests.analysis.sweeps import over_rates, rates_spec

SIZES = [8, 16, 32]


def swept(per_doubling: float) -> StudyRecord:
    """Batch is ahead by 1 point at 16, and by so many more at twice the size."""
    spec = rates_spec(0.1, seeds=6, sweep={"recipe.batch_size": SIZES})
    record = over_rates(spec, lambda key: 0.1)

    def better(run: RunRecord) -> RunRecord:
        at = SIZES.index(int(str(dict(run.key.point)["recipe.batch_size"]))) - 1
        slope = per_doubling + 0.0001 * (run.key.seed - 2.5)
        ahead = 0.01 + slope * at if run.key.arm == "batch" else 0.0
        return replace(run, test_accuracy=0.9 + ahead)

    return replace(record, runs=tuple(map(better, record.runs)))


@pytest.mark.parametrize(
    ("per_doubling", "said"),
    [
        (0.005, "the advantage in accuracy grows with batch_size (+0.50 points per"),
        (-0.005, "the advantage in accuracy shrinks with batch_size (-0.50 points per"),
        (
            0.0,
            "whether the advantage in accuracy grows with batch_size: not shown (+0.00",
        ),
    ],
)
def test_it_is_told_how_effects_range_and_whether_they_grow(
    per_doubling: float, said: str
) -> None:
    record = swept(per_doubling)
    (group,) = answers(record.spec, Result(record).claims())
    told = over_sweep(group)
    assert told.title == "With batch norm, compared with training without batch norm"
    range_, grows, *_ = told.told
    assert range_.startswith("test accuracy higher at 3 of 3 values of batch_size (+")
    assert said in grows and "per doubling of batch_size, 95 % CI " in grows
    # every answer once
    assert all(line not in told.others.lines for line in group.lines[:2])
    assert len(told.others.lines) < len(group.lines)


def test_the_report_of_a_sweep_begins_with_it_then_table_figure_and_interaction() -> (
    None
):
    page = build(Result(swept(0.005)))
    places = [
        page.index(text)
        for text in (
            "The advantage in accuracy grows with batch_size",
            ">batch_size 8</",
            'id="sweep"',
            "With batch norm the advantage in accuracy over training without",
            "claims at each setting by itself",
            'id="basics"',
        )
    ]
    assert places == sorted(places)
    assert page.count('id="sweep"') == 1


def test_what_cannot_be_measured_along_two_settings_is_told_once() -> None:
    sweep = {"recipe.batch_size": SIZES, "recipe.momentum": [0.5, 0.9]}
    record = over_rates(rates_spec(0.1, seeds=6, sweep=sweep), lambda key: 0.1)
    short = (replace(run, step_losses=run.step_losses[:9]) for run in record.runs)
    record = replace(record, runs=tuple(short))
    (group,) = answers(record.spec, Result(record).claims())
    told = " ".join(over_sweep(group).told)
    assert told.count("advantage in speed grows with batch_size or momentum: not") == 1
    assert told.count("advantage in speed") == 1
