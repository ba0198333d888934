from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from normlab.analysis.text.words import seeds_text


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
