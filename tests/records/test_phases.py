"""When gradients are looked at, and what belongs together."""

from __future__ import annotations

import numpy as np
import pytest

from normlab.records.observed.phases import Phase, ends, moments, phases

ARTICLE = 938 * 5
LENGTHS = [1, 2, 7, 100, 360, 599, 600, 800, 938, 1200, 3000, ARTICLE, 100_000]


@pytest.mark.parametrize("steps", LENGTHS)
def test_a_moment_has_a_step_behind_it(steps: int) -> None:
    found = moments(steps)
    assert found and min(found) >= 0 and max(found) == steps - 1
    assert len(found) == len(set(found)) <= max(1, min(40, steps // 120))


def test_of_the_articles_39_a_fifth_each_are_log_spaced_in_start_and_early_phase() -> (
    None
):
    found = np.array(moments(ARTICLE))
    start, early, rest = np.split(found, np.searchsorted(found, [19, 188]))
    # .4 % and 4 % of 4,690 steps, and a fifth of 39, rounded down
    assert start.tolist() == np.round(np.geomspace(1, 18, 7)).tolist()
    assert early.tolist() == np.round(np.geomspace(19, 187, 7)).tolist()
    assert len(rest) == 39 - 7 - 7 and np.ptp(np.diff(rest)) <= 1


def test_a_phase_is_called_by_the_steps_that_it_covers() -> None:
    named = [str(phase) for phase in phases(moments(ARTICLE), ARTICLE)]
    assert named == ["in steps 1-18", "in steps 19-187", "in steps 188-4689"]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        # of 1,000 steps the start ends with 4, the early phase with 40
        ([1, 2, 3, 10, 20, 30, 100, 200, 300], [(1, 4), (5, 40), (41, 999)]),
        ([1, 2, 10, 20, 30, 100, 200, 300], [(1, 40), (41, 999)]),
        ([1, 2, 3, 10, 20, 100, 200, 300], [(1, 4), (5, 999)]),
        ([1, 2, 3, 10, 20, 30, 100, 200], [(1, 4), (5, 999)]),
        ([1, 10, 100], [(1, 999)]),
        ([1, 2, 3], [(1, 999)]),
        ([1, 100], []),
    ],
)
def test_a_phase_with_few_moments_joins_its_neighbour(
    seen: list[int], expected: list[tuple[int, int]]
) -> None:
    assert ends(1000) == (4, 40, 999)
    assert phases(seen, 1000) == tuple(Phase(*of) for of in expected)


@pytest.mark.parametrize("steps", LENGTHS)
def test_every_moment_lies_in_one_phase(steps: int) -> None:
    found = phases(moments(steps), steps)
    for moment in moments(steps) if found else ():
        assert sum(first <= moment <= last for first, last in found) == 1
