from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from normlab.analysis.text.layout import WIDTH, spread, wrapped


@given(st.integers(0, 500), st.integers(2, 60))
def test_a_few_of_many_are_in_order_and_apart_with_both_ends(n: int, most: int) -> None:
    few = spread(range(n), most)
    assert len(few) == min(n, most)
    assert few == sorted(set(few))
    assert few[:1] + few[-1:] == [*range(n)[:1], *range(n)[-1:]]
    gaps = [b - a for a, b in pairwise(few)]
    assert not gaps or max(gaps) - min(gaps) <= 1


@given(st.lists(st.from_regex(r"[a-z,;]{1,70}", fullmatch=True), min_size=1))
def test_lines_fit_and_lose_no_word(words: list[str]) -> None:
    lines = wrapped("  " + " ".join(words)).splitlines()
    assert all(len(line) <= WIDTH for line in lines)
    assert " ".join(lines).split() == words
