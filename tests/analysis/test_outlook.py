from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from normlab.analysis.claims import better_accuracy, trains_at_all
from normlab.analysis.claims.definition import Definition
from normlab.analysis.design.pairs import Pairing
from normlab.analysis.inference.component import Component
from normlab.analysis.inference.evidence import Evidence
from normlab.analysis.inference.holm import Others
from normlab.analysis.inference.power import further_seeds


def evidence(effects: list[float], definition: Definition) -> Evidence:
    return Evidence(
        definition=definition,
        pairing=Pairing("batch", "none", 0.01),
        twins=(),
        components=(
            Component(
                effects=np.array(effects),
                test=definition.test,
                margin=definition.margin,
            ),
        ),
        gaps=(),
    )


@pytest.mark.parametrize(
    "effects",
    [[0.006, -0.002, 0.005, -0.001, 0.004], [0.01, 0.0, 0.0], [0.003, 0.001, -0.001]],
)
def test_it_is_the_first_number_at_which_the_t_test_falls_below_the_level(
    effects: list[float],
) -> None:
    mean, deviation = np.mean(effects), np.std(effects, ddof=1)

    def p(n: int) -> float:
        return 2 * stats.t.sf(mean / (deviation / np.sqrt(n)), n - 1)

    more = further_seeds(evidence(effects, better_accuracy.CLAIM), Others(()))
    assert more is not None
    n = len(effects) + more
    assert p(n) < 0.05 <= p(n - 1)


def test_other_claims_make_it_longer() -> None:
    open_claim = evidence([0.006, -0.002, 0.005, -0.001, 0.004], better_accuracy.CLAIM)
    alone, among = (
        further_seeds(open_claim, Others(())),
        further_seeds(open_claim, Others([0.4] * 8)),
    )
    assert alone is not None and among is not None
    assert alone < among


def test_an_effect_inside_the_margin_settles_as_no_difference() -> None:
    small = evidence([0.002, -0.002, 0.001, -0.001], better_accuracy.CLAIM)
    half = stats.t.ppf(0.95, np.arange(4, 40) - 1) * np.std(small.effects, ddof=1)
    first = next(n for n in range(5, 40) if half[n - 4] / np.sqrt(n) <= 0.001)
    assert further_seeds(small, Others(())) == first - 4


def test_beyond_a_thousand_it_gives_up() -> None:
    # at the margin itself neither test nor equivalence comes near
    lost = evidence([0.1, -0.098, 0.1, -0.098], better_accuracy.CLAIM)
    assert further_seeds(lost, Others(())) is None


def test_five_pairs_that_all_speak_for_one_arm_need_one_more() -> None:
    assert further_seeds(evidence([1.0] * 5, trains_at_all.CLAIM), Others(())) == 1
    assert (
        further_seeds(evidence([1.0, 1.0, 0.0], trains_at_all.CLAIM), Others(())) == 6
    )
