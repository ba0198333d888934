from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from normlab.analysis.claims.better_accuracy import CLAIM as ACCURACY
from normlab.analysis.text.words import aligned, effect_text, seeds_text

SIZES = st.floats(1e-9, 1e12)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=60, unique=True).map(sorted))
def test_every_seed_is_named_or_counted_and_none_twice(seeds: list[int]) -> None:
    text = seeds_text(seeds)
    named: list[int] = []
    for low, high in re.findall(r"(\d+)(?:-(\d+))?(?=,| and|$)", text):
        named += range(int(low), int(high or low) + 1)
    more = re.search(r" and ([\d,]+) more$", text)
    assert named == seeds[: len(named)]
    assert len(named) + int(more[1] if more else 0) == len(seeds)


@given(st.sets(st.integers(0, 2**63), min_size=1, max_size=2000))
def test_ever_so_many_seeds_stay_short(seeds: set[int]) -> None:
    assert len(seeds_text(sorted(seeds))) <= 10 * 41 + 20


@given(SIZES, st.floats(1e-6, 1.0), st.floats(1e-6, 1.0))
def test_the_ends_of_an_interval_are_told_apart(
    value: float, below: float, above: float
) -> None:
    low, high = value * (1 - below), value * (1 + above)
    texts = aligned(value, low, high)
    mean, first, last = (float(text.replace(",", "")) for text in texts)
    assert first < last and first <= mean <= last
    error = max(abs(first - low), abs(last - high), abs(mean - value))
    assert error <= 0.51 * (high - low)
    if not any("e" in text for text in texts) and high <= 100 * low:
        assert len({len(text.partition(".")[2]) for text in texts}) == 1


@given(SIZES, st.booleans())
def test_a_number_by_itself_is_right_to_three_digits_or_two_decimals(
    value: float, negative: bool
) -> None:
    value = -value if negative else value
    (text,) = aligned(value)
    assert abs(float(text.replace(",", "")) - value) <= max(
        0.00501 * abs(value), 0.00501 if abs(value) >= 0.1 else 0.0
    )


@given(st.floats(-1, 1), st.floats(0, 5))
def test_no_difference_of_accuracies_goes_beyond_a_hundred_points(
    mean: float, half: float
) -> None:
    text = effect_text(mean, ACCURACY, (mean - half, mean + half))
    numbers = re.findall(r"[+-][\d.]+(?:e-\d+)?", text)
    assert len(numbers) == 3
    assert all(-100 <= float(number) <= 100 for number in numbers)
