from __future__ import annotations

import pytest

from normlab.probes.schedule import (
    BURST,
    Length,
    bursts,
    denser_early,
    round_numbers,
)

LENGTHS = [
    Length(steps_per_epoch=steps, epochs=epochs)
    for steps, epochs in [(938, 5), (7, 3), (1, 4), (1, 1), (50, 200)]
]
ARTICLE = LENGTHS[0]


@pytest.mark.parametrize("length", LENGTHS, ids=str)
@pytest.mark.parametrize("schedule", [round_numbers, denser_early, bursts])
def test_nobody_looks_outside_of_the_run(schedule, length: Length) -> None:
    steps = schedule(length)
    assert all(isinstance(step, int) and 0 <= step <= length.steps for step in steps)


def test_the_articles_iterations_and_epoch_ends_are_among_the_round_numbers() -> None:
    ends = {938 * epoch for epoch in range(1, 6)}
    assert {0, 1, 10, 100} | ends <= round_numbers(ARTICLE)


def test_a_long_training_is_not_looked_at_after_each_epoch() -> None:
    assert len(round_numbers(Length(steps_per_epoch=50, epochs=200))) < 60


def test_snapshots_hold_start_first_epoch_and_end_and_are_at_most_32() -> None:
    steps = denser_early(ARTICLE)
    assert {0, 938, 4690} <= steps and len(steps) <= 32
    assert sum(step <= 938 for step in steps) > len(steps) / 2


def test_one_pair_of_updates_in_ten_is_measured_in_epoch_1_then_one_in_50() -> None:
    pairs = bursts(Length(steps_per_epoch=BURST * 50, epochs=2))
    first = {step for step in pairs if step < BURST * 50}
    assert len(first) == BURST * 50 / 10 + 8  # before the second row
    assert len(pairs - first) == BURST * 50 / 50


@pytest.mark.parametrize("length", LENGTHS, ids=str)
def test_both_updates_of_a_pair_are_taken(length: Length) -> None:
    assert all(step + 2 <= length.steps for step in bursts(length))
