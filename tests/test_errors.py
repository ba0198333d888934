"""What a user can meet is one line, whatever it tells of."""

from __future__ import annotations

import pickle
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from normlab.errors import BadData, NormlabError, one_line

ANY = st.text(st.characters(), max_size=5_000)


@given(ANY)
def test_a_message_is_one_line_that_steers_nothing(found: str) -> None:
    said = str(BadData(f"data.npz holds {found}. Save x_train."))
    steers = {"Cc", "Cf", "Zl", "Zp"}
    assert not steers & set(map(unicodedata.category, said))
    assert len(said) <= 2_000
    assert said.startswith("data.npz holds") and said.endswith("Save x_train.")


@given(ANY)
def test_it_is_the_same_after_it_has_travelled(found: str) -> None:
    error = BadData(found)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again)) == (BadData, str(error))
    assert str(NormlabError(str(error))) == str(error)


@given(ANY)
def test_what_others_say_is_one_line(said: str) -> None:
    assert "\n" not in one_line(ValueError(said))
    assert len(one_line(ValueError(said))) <= 300
