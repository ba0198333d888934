from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from normlab.spec.point import (
    SweepPoint,
    Value,
    point_from_json,
    point_id,
    point_json,
    point_text,
)

values = st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
points = st.lists(
    st.tuples(
        st.sampled_from(["recipe.batch_size", "model.depth", "recipe.x"]), values
    ),
    max_size=2,
    unique_by=lambda pair: pair[0],
).map(tuple)


@given(point=points)
def test_a_point_survives_being_kept(point: SweepPoint) -> None:
    again = point_from_json(point_json(point))
    assert again == point
    assert [type(value) for _, value in again] == [type(value) for _, value in point]


@given(point=points)
def test_a_point_is_safe_in_file_names(point: SweepPoint) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.+-]*", point_id(point))
    assert len(point_id(point)) < 200


@given(one=st.text(), other=st.text())
def test_two_texts_never_share_a_file_name_whatever_the_case(
    one: str, other: str
) -> None:
    names = [point_id((("model.name", text),)).casefold() for text in (one, other)]
    assert (names[0] == names[1]) == (one == other)


def test_keys_of_one_last_word_are_told_apart() -> None:
    point: tuple[tuple[str, Value], ...] = (("recipe.size", 1), ("model.size", 2))
    assert point_id(point) == "recipe.size1-model.size2"


def test_a_point_reads_like_settings() -> None:
    point: SweepPoint = (("recipe.decay_norms", False), ("recipe.momentum", 0.9))
    assert point_text(point) == "decay_norms false, momentum 0.9"
