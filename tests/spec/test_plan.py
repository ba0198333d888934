from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from normlab.spec.plan import RunKey, plan
from normlab.spec.study import StudySpec
from tests.spec.specs import names, positive

keys = st.builds(RunKey, names, positive, st.integers(0, 2**63 - 1), point=st.just(()))


def test_a_plan_holds_every_arm_rate_and_seed_with_twins_beside_each_other() -> None:
    spec = StudySpec(seeds=(3, 1), recipe={"rates": (0.1, 1)})
    assert [key.id for key in plan(spec)] == [
        "none-lr0.1-seed3",
        "batch-lr0.1-seed3",
        "none-lr1.0-seed3",
        "batch-lr1.0-seed3",
        "none-lr0.1-seed1",
        "batch-lr0.1-seed1",
        "none-lr1.0-seed1",
        "batch-lr1.0-seed1",
    ]


@given(key=keys)
def test_an_id_is_safe_in_file_names(key: RunKey) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", key.id)
    assert len(key.id) < 200


@given(key=keys)
def test_an_id_can_be_taken_apart_again_so_no_two_runs_share_one(key: RunKey) -> None:
    match = re.fullmatch(r"(.+)-lr([0-9.e+-]+)-seed(\d+)", key.id)
    assert match
    assert RunKey(match[1], float(match[2]), int(match[3])) == key


def test_a_whole_rate_and_the_same_float_are_one_run() -> None:
    assert RunKey("none", 1, 0).id == RunKey("none", 1.0, 0).id
