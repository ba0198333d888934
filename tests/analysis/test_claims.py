from __future__ import annotations

import re

import pytest

from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition, Omitted, Twins
from normlab.spec.plan import RunKey

from .studies import changed, run, study

OF_RUNS = [
    d for d in DEFINITIONS if d.compares == "runs" and not (d.probe or d.surfaces)
]


def test_every_claim_has_its_own_id() -> None:
    ids = [definition.id for definition in DEFINITIONS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", name) for name in ids)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.id)
def test_a_statement_names_both_arms(definition: Definition) -> None:
    said = definition.statement.format(arm="batch", baseline="none")
    assert "batch" in said and "none" in said


@pytest.mark.parametrize("definition", OF_RUNS, ids=lambda d: d.id)
def test_twins_that_are_the_same_run_have_no_effect(definition: Definition) -> None:
    made = run(RunKey("none", 0.01, 0))
    assert definition.effect(Twins(seed=0, baseline=made, other=made)) == 0.0


@pytest.mark.parametrize("definition", OF_RUNS, ids=lambda d: d.id)
def test_a_run_that_diverged_at_once_breaks_no_claim(definition: Definition) -> None:
    key = RunKey("batch", 0.01, 0)
    record = study([run(RunKey("none", 0.01, 0)), run(key)])
    lost = changed(
        record,
        key,
        status="diverged",
        epochs=(),
        step_losses=run(key).step_losses[:1] * float("nan"),
        test_accuracy=None,
        correct=None,
    ).runs[1]
    effect = definition.effect(
        Twins(seed=0, baseline=record.runs[0], other=lost, classes=10)
    )
    # pairs of which a run did not train are omitted before, unless a claim is about it
    if definition.untrained:
        assert isinstance(effect, float)
    else:
        assert isinstance(effect, Omitted)
