from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from normlab.analysis.analyse import analyse
from normlab.analysis.design.fairness import check_fairness, equal_seeds
from normlab.facade.result import Result
from normlab.records.rows import StudyRecord
from normlab.report.build import build
from normlab.spec.plan import RunKey

from .studies import accuracy_study, changed, run, study

KEY = RunKey("batch", 0.01, 1)


def test_equal_digests_are_proven_and_said() -> None:
    fairness = check_fairness(accuracy_study([0.0, 0.0, 0.0]))
    assert fairness.proven
    assert str(fairness) == (
        "in 3 of 3 twin sets the 2 shared initial tensors and the batch order "
        "have equal hashes"
    )


def test_another_start_is_named_with_its_seed_and_tensors() -> None:
    record = changed(
        accuracy_study([0.0, 0.0]),
        KEY,
        init_digest="other",
        tensor_digests={"w": "other", "v": "v1"},
    )
    fairness = check_fairness(record)
    assert not fairness.proven
    assert "NOT equal between the arms" in str(fairness)
    assert fairness.unequal_start == ("seed 1: shared weights at step 0 w",)


def test_of_many_tensors_a_few_are_named() -> None:
    names = [f"layer{i}" for i in range(9)]
    record = accuracy_study([0.0])
    for arm in ("none", "batch"):
        record = changed(
            record,
            RunKey(arm, 0.01, 0),
            init_digest=arm,
            tensor_digests=dict.fromkeys(names, arm),
        )
    (found,) = check_fairness(record).unequal_start
    assert found.endswith("step 0 layer0 layer1 layer2 layer3 and 5 more")


def test_of_unequal_twins_nothing_is_claimed() -> None:
    record = accuracy_study([0.1, 0.2, 0.1, 0.2])
    assert _seeds_judged(record) == 4
    other = changed(
        record, KEY, init_digest="other", tensor_digests={"w": "other", "v": "v1"}
    )
    assert _seeds_judged(other) == 3
    (claim,) = [c for c in analyse(other).claims if c.id == "better-accuracy"]
    assert "the twins are not equal in their shared weights at step 0 w" in claim.note


def _seeds_judged(record: StudyRecord) -> int:
    (claim,) = [c for c in analyse(record).claims if c.id == "better-accuracy"]
    return len(claim.effects)


def test_other_batches_are_named_with_their_epoch() -> None:
    record = accuracy_study([0.0, 0.0])
    rows = record.runs[3].epochs
    later = (rows[0], type(rows[1])(**{**vars(rows[1]), "batch_digest": "other"}))
    fairness = check_fairness(changed(record, KEY, epochs=later, batch_digest="other"))
    assert fairness.unequal_batches == ("seed 1: batches from epoch 2 on",)


def test_a_run_that_stopped_early_is_compared_as_far_as_it_came() -> None:
    record = accuracy_study([0.0, 0.0])
    cut = record.runs[3].epochs[:1]
    record = changed(record, KEY, status="diverged", epochs=cut, batch_digest="shorter")
    assert check_fairness(record).proven


def test_without_two_runs_that_started_nothing_is_proven() -> None:
    record = changed(accuracy_study([0.0]), RunKey("batch", 0.01, 0), init_digest=None)
    fairness = check_fairness(record)
    assert not fairness.proven
    assert str(fairness) == "not proven yet: no two arms of one seed have started"


def test_one_arm_has_nothing_to_compare() -> None:
    record = study([run(RunKey("none", 0.01, 0))], arms=("none",))
    assert str(check_fairness(record)) == "one arm only: nothing to compare"


def started(starts: Sequence[str | None]) -> StudyRecord:
    """A study whose seeds start from these digests, in both arms."""
    record = accuracy_study([0.01 * seed for seed in range(len(starts))])
    for seed, start in enumerate(starts):
        for arm in ("none", "batch"):
            record = changed(record, RunKey(arm, 0.01, seed), init_digest=start)
    return record


@pytest.mark.parametrize(
    "starts", ["abcd", "a", "aaa", "aab", "abab", ["a", None, "b"]]
)
def test_equal_starts_of_seeds_are_noticed(starts: Sequence[str | None]) -> None:
    known = [start for start in starts if start]
    said = equal_seeds(started(starts).runs)
    assert bool(said) == (len(set(known)) < len(known))
    assert ("all 3 seeds start from the same weights" in said) == (starts == "aaa")


def test_equal_starts_are_said_beside_every_interval() -> None:
    result = Result(started("aaa"))
    said = "start from the same weights, so intervals show the batch order alone"
    assert said in " ".join(str(result.table()).split())
    assert all(said in str(claim) for claim in result.claims() if claim.effects)
    whole = result.to_json()
    assert any(said in remark for remark in whole["study"]["equal"]["remarks"])
    assert all(said in claim["note"] for claim in whole["claims"] if claim["effects"])
    page = build(result)
    assert page.count(said) >= 4  # the verdict, the table, a claim, fairness
    assert "order of images). They do not cover other initial weights" in page
    assert said not in str(Result(started("abc")))


def test_what_arms_differ_in_is_named_and_never_proven_equal() -> None:
    record = started("abc")
    told = {
        "network_differences": json.dumps(["only with batch norm: 4 (ReLU)"]),
        "network_notes": json.dumps(["norms that did not come from norm(...): 1"]),
    }
    result = Result(replace(record, meta={**record.meta, **told}))
    fairness = result.analysis.fairness
    assert not fairness.proven
    assert "proven" not in str(fairness)
    page = re.sub(r"<[^>]*>", "", build(result))  # words may be explained in it
    for text in (str(result), page, result._repr_html_()):
        assert "only with batch norm: 4 (ReLU)" in text
        assert "orms that did not come from norm(...): 1" in text
    assert len(_effects(result)) == 3  # claims stand, with what else differs beside


def _effects(result: Result) -> Sequence[object]:
    return next(c for c in result.claims() if c.id == "better-accuracy").effects
