from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from normlab.analysis.analyse import analyse
from normlab.analysis.text.summary import to_json
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.plan import RunKey

from .studies import accuracy_study, changed, run, study

CLAIM_KEYS = """
id arm baseline statement measure scale unit estimate interval decides components veto p
p_holm level look final margin better test planned pending resolved effects wins seeds
verdict note
"""


def summary(record: StudyRecord) -> dict:
    return json.loads(json.dumps(to_json(record, analyse(record)), allow_nan=False))


def test_it_has_the_keys_of_the_contract_and_no_others() -> None:
    whole = summary(accuracy_study([0.001, 0.002, 0.004]))
    assert list(whole) == ["schema", "study", "runs", "claims"]
    assert whole["schema"] == 1
    run_keys = "arm rate seed status trained parameters digests epochs"
    assert list(whole["runs"][0]) == run_keys.split()
    assert list(whole["runs"][0]["digests"]) == ["init", "batches"]
    epoch = ["epoch", "train_loss", "test_loss", "test_accuracy", "metrics", "seconds"]
    assert list(whole["runs"][0]["epochs"][0]) == epoch
    assert all(list(claim) == CLAIM_KEYS.split() for claim in whole["claims"])
    assert list(whole["claims"][0]["effects"][0]) == ["seed", "value"]


def test_accuracies_are_fractions_and_the_interval_is_over_seeds() -> None:
    claim = summary(accuracy_study([0.001, 0.002, 0.003]))["claims"][1]
    assert claim["id"] == "better-accuracy"
    assert [e["value"] for e in claim["effects"]] == pytest.approx(
        [0.001, 0.002, 0.003]
    )
    half = 4.302653 * 0.001 / math.sqrt(3)
    assert claim["interval"] == pytest.approx([0.002 - half, 0.002 + half])


def test_ratios_are_shown_as_ratios() -> None:
    runs: list[RunRecord] = []
    for seed in range(3):
        runs.append(run(RunKey("none", 0.01, seed)))
        runs.append(run(RunKey("batch", 0.01, seed), speed=2.0))
    claim = summary(study(runs))["claims"][0]
    values = [effect["value"] for effect in claim["effects"]]
    geometric = math.exp(sum(map(math.log, values)) / 3)
    assert (claim["scale"], claim["margin"]) == ("ratio", 1.05)
    assert claim["estimate"] == pytest.approx(geometric)
    assert claim["estimate"] == pytest.approx(0.5, rel=0.25)


def test_what_is_not_finite_is_null() -> None:
    record = accuracy_study([0.0, 0.0, 0.0])
    rows = record.runs[0].epochs
    broken = (replace(rows[0], train_loss=math.inf, metrics={"m": math.nan}), rows[1])
    whole = summary(changed(record, record.runs[0].key, epochs=broken))
    assert whole["runs"][0]["epochs"][0]["train_loss"] is None
    assert whole["runs"][0]["epochs"][0]["metrics"] == {"m": None}


def test_a_study_that_has_not_begun_is_an_object_too() -> None:
    record = accuracy_study([0.0, 0.0, 0.0])
    queued = tuple(RunRecord(key=made.key) for made in record.runs)
    whole = summary(replace(record, runs=queued, meta={}))
    assert {made["status"] for made in whole["runs"]} == {"queued"}
    assert {claim["verdict"] for claim in whole["claims"]} == {"not-enough-seeds"}
    assert whole["claims"][0]["estimate"] is None


def test_one_arm_has_no_claims() -> None:
    assert (
        summary(study([run(RunKey("none", 0.01, 0))], arms=("none",)))["claims"] == []
    )


def test_claims_carry_their_rate_where_there_are_several() -> None:
    keys = [RunKey(arm, rate, 0) for rate in (0.01, 0.1) for arm in ("none", "batch")]
    claims = summary(study([run(key) for key in keys]))["claims"]
    assert claims[-1]["id"] == "wider-learning-rates"
    at_each = len(claims) // 2
    rates = [0.01] * at_each + [0.1] * at_each
    assert [claim["rate"] for claim in claims] == [*rates, None]
    kinds = ["same-rate"] * len(rates)
    assert [claim["compared"] for claim in claims] == [*kinds, "all-rates"]


def test_all_arms_and_rates_are_one_family() -> None:
    runs: list[RunRecord] = []
    for seed in range(4):
        for arm, gain in (("none", 0), ("batch", seed), ("layer", seed * seed)):
            made = run(RunKey(arm, 0.01, seed), accuracy=0.9 + 0.001 * gain)
            runs.append(made)
    record = study(runs, arms=("none", "batch", "layer"))
    judged = [claim for claim in analyse(record).claims if claim.p is not None]
    assert [claim.arm for claim in judged] == ["batch", "layer"]
    smaller = min(claim.p for claim in judged if claim.p is not None)
    assert min(claim.p_holm or 1 for claim in judged) == pytest.approx(2 * smaller)
