"""Which runs trained, against the definition computed anew from raw records."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.analysis.analyse import analyse, judge_all
from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.design.learning import Chance, trained
from normlab.analysis.text.summary import to_json
from normlab.records.data_line import is_description
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.plan import RunKey

from .studies import STEPS, accuracy_study, changed, run, study

KEY = RunKey("none", 0.01, 0)
EXEMPT = {"better-accuracy", "trains-at-all", "wider-learning-rates"}


def ending(loss: float, *, held_out: float | None = None) -> RunRecord:
    """A run whose step losses end there, beside a few that are far off."""
    losses = np.full(STEPS, loss, dtype=np.float32)
    losses[:-51] = 9.0
    losses[-51::3] = 1e6  # 17 of the last 51
    made = replace(run(KEY), step_losses=losses)
    if held_out is None:
        return made
    *before, last = made.epochs
    seen = replace(last, metrics={"validation_loss": held_out})
    return replace(made, epochs=(*before, seen))


@given(st.lists(st.integers(0, 50), min_size=2, max_size=6).filter(any))
def test_chance_is_the_loss_of_guessing_by_the_label_shares(counts: list[int]) -> None:
    labels = [label for label, n in enumerate(counts) for _ in range(n)]
    seen = Counter(labels)
    losses = [-math.log(seen[label] / len(labels)) for label in labels]
    noted = json.dumps({"line": "", "parts": {"train": counts}})
    chance = Chance.of(study([run(KEY)], data=noted))
    assert chance.train == pytest.approx(sum(losses) / len(losses))
    assert chance.validation is None


@pytest.mark.parametrize("share", [0.5, 0.899, 0.901, 1.0, 50.0])
def test_a_run_trained_if_it_ends_below_nine_tenths_of_chance(share: float) -> None:
    chance = Chance(train=2.0, validation=1.0)
    assert trained(ending(2.0 * share), chance) == (share < 0.9)
    assert trained(ending(9.0, held_out=share), chance) == (share < 0.9)


def test_a_run_that_is_not_finite_did_not_train() -> None:
    for chance in (Chance(2.0, 2.0), Chance(unknown="it is not noted")):
        assert not trained(replace(ending(0.1), status="diverged"), chance)
        assert not trained(ending(0.1, held_out=math.inf), chance)
        assert not trained(ending(0.1, held_out=math.nan), chance)
        assert trained(ending(0.1), chance)


OLD = [
    ({"classes": "10", "largest_class": "0.1135"}, math.log(10)),
    ({"classes": "10", "largest_class": "0.5"}, None),
    ({"classes": "10"}, None),
    ({"python_code": '{"loss": "ab12"}', "data": '{"parts": {"train": [5, 5]}}'}, None),
]


@pytest.mark.parametrize(("meta", "chance"), OLD)
def test_of_an_old_study_chance_is_known_if_its_labels_are_even(
    meta: dict[str, str], chance: float | None
) -> None:
    record = study([run(KEY)])
    found = Chance.of(replace(record, meta=meta))
    assert found.train == found.validation == chance
    assert bool(found.unknown) == (chance is None)


@pytest.mark.parametrize(
    "parts", [[1], {"train": 5}, {"train": [0, 0]}, {"train": [-1, 2]}, {"test": [1.5]}]
)
def test_counts_that_are_none_are_damage(parts: object) -> None:
    assert is_description({"line": "", "parts": {"train": [1, 2]}})
    assert not is_description({"line": "", "parts": parts})


def at_chance(seeds: int, dead: int, *, arm: str = "none") -> StudyRecord:
    """Twins of which some runs of an arm end at the loss of chance."""
    record = accuracy_study([0.001 * (seed % 3) for seed in range(seeds)])
    noted = json.dumps({"line": "", "parts": {"train": [10] * 10}})
    record = replace(record, meta={**record.meta, "data": noted})
    for seed in range(dead):
        losses = np.full(STEPS, math.log(10), dtype=np.float32)
        record = changed(record, RunKey(arm, 0.01, seed), step_losses=losses)
    return record


def test_a_pair_that_did_not_train_is_missing_but_where_it_is_the_result() -> None:
    claims = {claim.id: claim for claim in judge_all(at_chance(6, 2))}
    assert {claim.seeds for name, claim in claims.items() if name in EXEMPT} == {6}
    others = [claim for name, claim in claims.items() if name not in EXEMPT]
    assert others and {claim.seeds for claim in others} == {4}
    for claim in others:
        assert "seeds 0, 1: the run without batch norm did not train" in claim.note


def test_only_three_claims_are_about_runs_that_did_not_train() -> None:
    assert {claim.id for claim in DEFINITIONS if claim.untrained} == EXEMPT


def test_a_run_that_failed_is_awaited_and_not_called_untrained() -> None:
    record = changed(at_chance(5, 0), RunKey("none", 0.01, 1), status="failed")
    claims = {claim.id: claim for claim in judge_all(record)}
    assert claims["better-accuracy"].pending == 1
    assert "the run without batch norm is failed" in claims["better-accuracy"].note
    assert "trains-at-all" not in claims


def test_the_summary_says_of_every_run_whether_it_trained() -> None:
    record = at_chance(4, 2)
    record = changed(record, RunKey("batch", 0.01, 3), status="running")
    runs = to_json(record, analyse(record))["runs"]
    found = {(r["arm"], r["seed"]): r["trained"] for r in runs}
    assert found["none", 0] is found["none", 1] is False
    assert found["none", 2] is True
    assert found["batch", 3] is None


def test_a_study_that_noted_no_labels_says_so() -> None:
    said = analyse(accuracy_study([0.001, 0.002, 0.003])).remarks
    assert said[-1].startswith(
        "which loss is that of chance is not known (the study did not note how often "
        "each label comes), so only runs whose loss is not finite count"
    )
