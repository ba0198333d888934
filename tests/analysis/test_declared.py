"""Designs in which a study grows, and intervals of accuracies: simulated."""

from __future__ import annotations

import numpy as np
import pytest

from normlab.calibration.accuracies import SIZES, coverage
from normlab.calibration.declared import DESIGNS, Design, FalseLooks, simulate

STUDIES = 4000


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_all_looks_together_err_in_five_per_cent(design: Design) -> None:
    assert simulate(design, STUDIES).good


def test_judging_each_look_by_itself_would_not() -> None:
    """The simulation sees what the spending is there to prevent."""
    found = simulate(Design(claims=1, looks=tuple(range(3, 21)), at_most=20), STUDIES)
    assert not FalseLooks(
        design=found.design, studies=STUDIES, false=found.naive, naive=found.naive
    ).good


def test_a_single_look_spends_all_of_the_level() -> None:
    found = simulate(Design(claims=1, looks=(5,), at_most=5), STUDIES)
    error = np.sqrt(0.05 * 0.95 / STUDIES)
    assert found.false / STUDIES == pytest.approx(0.05, abs=4 * error)


@pytest.mark.parametrize(("images", "seeds"), [s for s in SIZES if s[0] <= 1000])
def test_the_interval_of_an_accuracy_covers(images: int, seeds: int) -> None:
    assert coverage(images, seeds, 400).share >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / 400)
