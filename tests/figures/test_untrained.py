"""What is shown of networks of which some or all did not train."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from normlab.errors import NotMeasured
from normlab.facade.result import Result
from normlab.figures.gallery import KINDS
from normlab.records.rows import RunRecord
from normlab.report.build import build

INSIDE = [kind.id for kind in KINDS if kind.of_one_setting]
NOTED = {"data": json.dumps({"line": "", "parts": {"train": [10] * 10}})}


def ending_at(
    loss: float, observed: Result, arms: Sequence[str], seeds: Sequence[int]
) -> Result:
    """The study with these runs ending at this loss; its labels are even, of ten."""

    def of(run: RunRecord) -> RunRecord:
        if run.key.arm not in arms or run.key.seed not in seeds:
            return run
        losses = np.full(run.step_losses.size, loss, dtype=np.float32)
        return replace(run, step_losses=losses)

    record = observed.record
    runs = tuple(map(of, record.runs))
    meta = {**record.meta, **NOTED}
    return replace(observed, record=replace(record, runs=runs, meta=meta))


@pytest.fixture
def lost(observed: Result) -> Result:
    """Every run ends at the loss of chance."""
    spec = observed.record.spec
    arms = [arm.name for arm in spec.arms]
    return ending_at(math.log(10), observed, arms, spec.seeds)


@pytest.mark.parametrize("name", INSIDE)
def test_nothing_is_drawn_of_what_happened_inside_networks_that_learnt_nothing(
    lost: Result, name: str
) -> None:
    with pytest.raises(NotMeasured, match=r"^[A-Z].*: no network trained here\.$"):
        lost.plot(name)


def test_curves_accuracies_and_cost_stay(observed: Result, lost: Result) -> None:
    pictures, missing = lost.figures().drawn()
    before, _ = observed.figures().drawn()
    names = {picture.kind.id for picture in before}
    # of claims there are none: what is said of such networks is no claim
    left = names - {"claims", *INSIDE}
    assert {picture.kind.id for picture in pictures} == left
    assert {"learning-curves", "final-accuracy", "cost"} <= left
    assert sum("no network trained here" in line for line in missing) == len(INSIDE)


def test_the_report_lists_them(lost: Result) -> None:
    _, _, below = build(lost).partition('id="missing-title">Not drawn<')
    assert "Dead units: no network trained here." in below
    assert "no twins that trained have ended" in below


def test_an_arm_that_did_not_train_is_said(observed: Result) -> None:
    seeds = observed.record.spec.seeds
    plain = ending_at(math.log(10), observed, ["none"], seeds)
    said = f" Runs that did not train: {len(seeds)} of {len(seeds)} without batch norm."
    for name in INSIDE:
        picture = plain.plot(name)
        assert picture.kind.reading.endswith(said)
        assert picture.alt.endswith(said)
    assert "did not train" not in plain.plot("final-accuracy").alt


def test_a_single_run_that_did_not_train_is_said(observed: Result) -> None:
    seeds = observed.record.spec.seeds
    some = ending_at(math.log(10), observed, ["batch"], seeds[:1])
    reading = some.plot("drift").kind.reading
    assert reading.endswith(
        f" Runs that did not train: 1 of {len(seeds)} with batch norm."
    )


def test_what_may_yet_train_is_drawn(lost: Result) -> None:
    first, *others = lost.record.runs
    runs = (*others, replace(first, status="running"))
    open_yet = replace(lost, record=replace(lost.record, runs=runs))
    assert "Runs that did not train: " in open_yet.plot("drift").alt
