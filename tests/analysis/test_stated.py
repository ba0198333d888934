"""What experiments of the literature state is judged where it speaks, only there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from normlab.analysis.analyse import judge_all
from normlab.analysis.claim import Claim
from normlab.experiments.registry import NAMES, experiment
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.plan import plan
from tests.analysis.studies import run


def ended(name: str, *, full: bool = False) -> StudyRecord:
    """The experiment as it would be with every run at its end."""
    spec = experiment(name).spec(full=full)
    return StudyRecord(
        spec=spec,
        meta={"classes": "10"},
        runs=tuple(held_out(run(key)) for key in plan(spec)),
    )


def held_out(record: RunRecord) -> RunRecord:
    last = replace(record.epochs[-1], metrics={"validation_loss": 0.1})
    return replace(record, epochs=(*record.epochs[:-1], last))


def judged(name: str, claim: str, arm: str, against: str) -> list[Claim]:
    return [
        c
        for c in judge_all(ended(name))
        if (c.id, c.arm, c.baseline) == (claim, arm, against)
        and c.verdict != "description"
    ]


def test_ghost_batches_are_compared_with_batch_norm_in_large_batches_alone() -> None:
    found = judged("batch-sizes", "better-accuracy", "ghost", "batch")
    assert [claim.point for claim in found] == [(("recipe.batch_size", 256),)]
    assert {claim.compared for claim in found} == {"own-best"}


def test_only_what_is_stated_of_two_other_arms_is_made() -> None:
    others = {
        (claim.id, claim.arm, claim.baseline)
        for claim in judge_all(ended("batch-sizes"))
        if claim.baseline != "none"
    }
    assert others == {
        ("better-accuracy", "ghost", "batch"),
        ("better-accuracy", "group", "batch"),
    }


def without_norms_lost(record: StudyRecord, rate: float) -> StudyRecord:
    """The same, but networks without norms diverge from some rate on."""
    lost = tuple(
        replace(r, status="diverged")
        if r.key.arm == "none" and r.key.rate >= rate
        else r
        for r in record.runs
    )
    return replace(record, runs=lost)


def test_networks_that_diverge_at_large_rates_are_judged_at_large_rates() -> None:
    found = [
        claim.rate
        for claim in judge_all(without_norms_lost(ended("learning-rates"), 0.1))
        if claim.id == "trains-at-all" and claim.compared == "same-rate"
        if claim.verdict != "description"
    ]
    assert found == [0.3, 1.0]


@pytest.mark.parametrize("full", [False, True], ids=["default", "full"])
@pytest.mark.parametrize("name", NAMES)
def test_every_statement_is_judged_somewhere(name: str, full: bool) -> None:
    # where all runs train that is said in a line, and trains-at-all is no claim
    claims = judge_all(without_norms_lost(ended(name, full=full), 0.3))
    made = {
        (claim.id, claim.arm, claim.baseline)
        for claim in claims
        if claim.verdict != "description"
    }
    # those on what probes saw are made of records that hold it
    unseen = {"steadier-activations", "less-covariate-shift", "smoother-surface"}
    unseen |= {"rounder-contours", "straighter-path", "predictable-steps"}
    for statement in experiment(name).statements:
        if statement.claim not in unseen:
            assert (statement.claim, statement.arm, statement.against) in made
