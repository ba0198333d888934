from __future__ import annotations

import numpy as np
import pytest

from normlab.analysis.claims.better_accuracy import accuracy_difference, final_accuracy
from normlab.analysis.claims.definition import Omitted, Twins
from normlab.records.rows import RunRecord
from normlab.spec.plan import RunKey

KEY = RunKey("none", 0.01, 0)


def test_a_diverged_run_counts_with_its_last_finite_network() -> None:
    run = RunRecord(key=KEY, status="diverged", test_accuracy=0.4)
    assert final_accuracy(run, classes=10) == 0.4


def test_a_diverged_run_that_never_was_finite_counts_with_chance() -> None:
    run = RunRecord(key=KEY, status="diverged")
    assert final_accuracy(run, classes=10) == 0.1
    assert final_accuracy(run, classes=None) is None


def test_accuracy_comes_from_the_images_if_it_is_not_stored() -> None:
    run = RunRecord(key=KEY, status="done", correct=np.array([True, True, False, True]))
    assert final_accuracy(run, classes=10) == 0.75


def test_a_task_without_accuracy_gives_no_effect() -> None:
    run = RunRecord(key=KEY, status="done")
    effect = accuracy_difference(Twins(seed=0, baseline=run, other=run, classes=None))
    assert effect == Omitted("no test accuracy")


def test_the_effect_is_other_minus_baseline() -> None:
    runs = [RunRecord(key=KEY, status="done", test_accuracy=a) for a in (0.9, 0.95)]
    effect = accuracy_difference(Twins(seed=0, baseline=runs[0], other=runs[1]))
    assert effect == pytest.approx(0.05)
