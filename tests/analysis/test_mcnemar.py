from __future__ import annotations

from math import comb

import pytest

from normlab.analysis.inference.mcnemar import mcnemar


def two_sided(b: int, c: int) -> float:
    n = b + c
    tail = sum(comb(n, k) for k in range(min(b, c) + 1)) / 2**n
    return min(1.0, 2 * tail)


@pytest.mark.parametrize("b", range(8))
@pytest.mark.parametrize("c", range(1, 8))
def test_p_is_twice_the_binomial_tail(b: int, c: int) -> None:
    assert mcnemar(b, c) == pytest.approx(two_sided(b, c), rel=1e-12)
    assert mcnemar(b, c) == mcnemar(c, b)


def test_five_pairs_can_never_be_significant_but_six_can() -> None:
    assert mcnemar(5, 0) == pytest.approx(1 / 16)
    assert mcnemar(6, 0) == pytest.approx(1 / 32)


def test_without_a_pair_that_disagrees_there_is_no_test() -> None:
    assert mcnemar(0, 0) is None
