from __future__ import annotations

from dataclasses import replace

import pytest

from normlab.analysis.claims import DEFINITIONS
from normlab.facade.result import Result
from normlab.report.limits import limits
from normlab.spec.plan import RunKey
from tests.analysis.studies import accuracy_study, changed


def test_a_caveat_says_what_it_is_about() -> None:
    accuracy = next(d for d in DEFINITIONS if d.id == "better-accuracy")
    own = replace(accuracy, id="mine", caveat="contested by many")
    result = replace(Result(accuracy_study([0.0] * 3)), own=(own,))
    assert limits(result)[-1] == (
        "“accuracy on the test set is higher with batch norm than without”: contested "
        "by many."
    )


@pytest.mark.parametrize("status", ["diverged", "failed", "interrupted"])
def test_runs_that_did_not_end_well_are_among_the_limits(status: str) -> None:
    record = changed(accuracy_study([0.0] * 3), RunKey("none", 0.01, 1), status=status)
    assert f"1 run {status}: none-lr0.01-seed1." in limits(Result(record))


def test_one_rate_is_a_limit() -> None:
    lines = limits(Result(accuracy_study([0.0])))
    assert any("at the same learning rate, 0.01" in line for line in lines)
