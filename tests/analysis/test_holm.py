from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.analysis.inference.holm import Others, holm

families = st.lists(st.floats(0, 1), min_size=1, max_size=6)


def test_worked_example_of_four_hypotheses() -> None:
    # the usual textbook family: the first and the last hold at 0.05, the others not
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def closed_testing(p: list[float], member: int) -> float:
    """Holm's procedure is the closure of Bonferroni tests over all subfamilies."""
    others = [i for i in range(len(p)) if i != member]
    families = (
        [member, *rest] for size in range(len(p)) for rest in combinations(others, size)
    )
    return max(min(1.0, len(f) * min(p[i] for i in f)) for f in families)


@given(families)
def test_it_is_the_closure_of_bonferroni_tests(p: list[float]) -> None:
    assert holm(p) == pytest.approx([closed_testing(p, i) for i in range(len(p))])


@given(families, st.randoms())
def test_the_order_of_the_claims_does_not_matter(
    p: list[float], random: object
) -> None:
    order = list(range(len(p)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = holm([p[i] for i in order])
    assert shuffled == pytest.approx([holm(p)[i] for i in order])


def test_one_claim_and_none_need_no_correction() -> None:
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


# few values, so that there are equal ones
p_values = st.sampled_from([0.0, 1e-4, 0.01, 0.02, 0.05, 0.3, 1.0]) | st.floats(0, 1)


@given(st.lists(p_values, max_size=8), p_values)
def test_one_among_others_is_corrected_as_in_their_family(
    others: list[float], p: float
) -> None:
    assert Others(others).adjusted(p) == holm([p, *others])[0]
    assert len(Others(others)) == len(others)


@given(st.lists(p_values, min_size=1, max_size=8), st.data())
def test_one_of_a_family_may_have_another_p(
    family: list[float], data: st.DataObject
) -> None:
    """As with more seeds; the others keep theirs."""
    member = data.draw(st.sampled_from(range(len(family))))
    rest = [p for i, p in enumerate(family) if i != member]
    others = Others(family).without(family[member])
    for p in (family[member], data.draw(p_values)):
        assert others.adjusted(p) == holm([p, *rest])[0]
    assert len(others) == len(rest)
