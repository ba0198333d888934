"""The cost of a step is measured by a small share of the training."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from normlab.study import api
from normlab.study.cost import FEWEST_BLOCKS, SHARE, share_of
from normlab.study.listener import Silent
from tests.study.cases import spec_of, write_data


@given(st.integers(0, 10**6))
def test_it_takes_few_steps_and_never_fewer_than_an_interval_needs(
    trained: int,
) -> None:
    blocks, steps = share_of(trained)
    extra = (blocks + 1) * steps
    assert FEWEST_BLOCKS <= blocks <= 20 and 1 <= steps <= 50
    assert extra <= max(SHARE * trained, FEWEST_BLOCKS + 1)


def test_a_study_of_the_usual_size_is_measured_as_ever() -> None:
    assert share_of(5 * 5 * 938) == (20, 50)


class Hears(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_short_study_takes_few_extra_steps_and_says_how_many(
    tmp_path: Path,
) -> None:
    heard = Hears()
    spec = spec_of(
        write_data(tmp_path), "measure=light", "seeds=1", "execution.workers=1"
    )
    cost = api.run(spec, tmp_path / "s", watcher=heard).record.measurements["cost"]
    assert (cost["blocks"], cost["steps"], cost["images"]) == (10, 1, 40)
    assert "measuring what a step costs: 11 steps of each arm" in heard.notes
    for arm in cost["arms"].values():
        assert arm["seconds_per_step"] > 0 and arm["interval"][0] <= arm["ratio"]
