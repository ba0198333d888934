from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from normlab.analysis.text.layout import WIDTH, spread, wrapped, wrapped_between
from normlab.analysis.text.table import MAX_ROWS, WIDEST, Table


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


CELL = st.from_regex(r"[a-z]{1,30}", fullmatch=True)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(st.integers(2, 12))
    rows = draw(st.lists(st.tuples(*[CELL] * columns), min_size=1, max_size=80))
    return Table("what they are", draw(st.tuples(*[CELL] * columns)), tuple(rows))


@given(tables())
def test_a_wide_table_is_printed_in_parts_that_lose_no_cell(table: Table) -> None:
    *parts, last = str(table).split("\n\n")
    body, _, caption = last.rpartition("\nwhat they are")
    lines = [part.split("\n") for part in (*parts, body)]
    # cells hold no blanks: each is a word
    words = [[line.split() for line in (head, *rows)] for head, _, *rows in lines]
    shown = spread(table.rows, MAX_ROWS)
    assert [part[0][0] for part in words] == [table.head[0]] * len(words)
    beside = zip(*words, strict=True)
    whole = [
        (cells[0][0], *(c for part in cells for c in part[1:])) for cells in beside
    ]
    assert whole == [table.head, *shown]
    for head, rule, *rows in lines:
        assert max(map(len, (head, *rows))) <= len(rule)
        assert len(rule) <= WIDEST or len(head.split()) == 2
    assert bool(caption) == (len(shown) < len(table.rows))


ENTRY = st.from_regex(r"[a-z] [a-z]{1,70}", fullmatch=True)


@given(st.lists(ENTRY, min_size=1))
def test_lines_break_between_parts_alone(parts: list[str]) -> None:
    lines = wrapped_between(parts, "   ", start="  ").splitlines()
    assert all(line.startswith("  ") and len(line) <= WIDTH for line in lines)
    assert [part for line in lines for part in line.strip().split("   ")] == parts
