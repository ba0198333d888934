"""Studies drawn from a pool: no run twice, no side preferred, images drawn anew."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from normlab.calibration.drawn import studies_of_ladders, studies_of_runs
from normlab.spec.plan import RunKey
from tests.calibration.runs import IMAGES, runs

POOL = runs(24)


def test_a_study_uses_no_run_twice() -> None:
    for record, members in studies_of_runs(POOL, POOL, seeds=10, studies=20):
        assert len({run.step_losses.tobytes() for run in record.runs}) == 20
        assert sorted(set(members.tolist())) == sorted(members.tolist())


def test_members_are_the_runs_of_the_study_pair_by_pair() -> None:
    ((record, members),) = studies_of_runs(POOL, POOL, seeds=3, studies=1)
    by_key = {run.key: run for run in record.runs}
    for seed, (one, two) in enumerate(members.reshape(-1, 2)):
        none = by_key[RunKey("none", 0.01, seed)]
        again = by_key[RunKey("again", 0.01, seed)]
        assert np.array_equal(none.step_losses, POOL[one].step_losses)
        assert np.array_equal(again.step_losses, POOL[two].step_losses)


def test_every_run_is_as_often_on_either_side() -> None:
    sides: Counter[tuple[int, int]] = Counter()
    for _, members in studies_of_runs(POOL, POOL, seeds=3, studies=2000):
        sides.update((int(run), i % 2) for i, run in enumerate(members))
    counts = np.array([sides[run, side] for run in range(24) for side in (0, 1)])
    expected = 2000 * 6 / 48
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_test_images_are_drawn_anew_and_alike_for_all_runs_of_a_study() -> None:
    numbered = tuple(
        replace(run, correct=np.arange(IMAGES) % 7 == i % 7)
        for i, run in enumerate(POOL)
    )
    (one, _), (two, _) = studies_of_runs(numbered, numbered, seeds=3, studies=2)
    assert not np.array_equal(one.runs[0].correct, two.runs[0].correct)
    for record in (one, two):
        # of seven classes of images each is right in one run in seven
        right = np.stack(
            [run.correct for run in record.runs if run.correct is not None]
        )
        assert right.shape == (6, IMAGES)
        assert all(run.test_accuracy == run.correct.mean() for run in record.runs)
        classes = {tuple(column) for column in right.T.tolist()}
        assert len(classes) <= 7


def test_a_study_of_ladders_has_every_rate_of_every_seed() -> None:
    ladders = tuple(
        tuple(replace(r, key=r.key._replace(rate=rate)) for rate in (0.1, 1.0, 10.0))
        for r in POOL
    )
    ((record, members),) = studies_of_ladders(ladders, seeds=3, studies=1)
    assert len({run.key for run in record.runs}) == len(record.runs) == 2 * 3 * 3
    assert len(set(members.tolist())) == 6
