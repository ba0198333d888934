"""What seeds can show, said before training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from normlab.analysis import foresight
from normlab.analysis.foresight import detectable, foreseen
from normlab.records.rows import StudyRecord
from normlab.spec.study import StudySpec

from .studies import accuracy_study


@pytest.mark.parametrize("pairs", [3, 5, 10])
@pytest.mark.parametrize("level", [0.05, 0.0056])
def test_half_of_all_studies_find_the_smallest_difference(
    pairs: int, level: float
) -> None:
    effect = detectable(0.7, pairs, level)
    stream = np.random.default_rng(pairs)
    p = stats.ttest_1samp(stream.normal(effect, 0.7, (20_000, pairs)), 0, axis=1).pvalue
    assert (p < level).mean() == pytest.approx(0.5, abs=0.02)


def told(
    monkeypatch: pytest.MonkeyPatch, spec: StudySpec, *earlier: StudyRecord
) -> list[str]:
    monkeypatch.setattr(foresight, "_alike", lambda *_: iter(earlier))
    return foreseen(spec, Path("runs"))


def test_the_spread_is_that_of_earlier_studies(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = [0.001, 0.003, 0.008], [0.002, 0.0, 0.006, 0.004]
    (sentence,) = told(
        monkeypatch, StudySpec(), accuracy_study(first), accuracy_study(second)
    )
    pooled = (2 * np.var(first, ddof=1) + 3 * np.var(second, ddof=1)) / 5
    points = 100 * detectable(float(np.sqrt(pooled)), 5, 0.05)
    assert sentence == (
        "5 pairs with batch norm and without show a true difference of "
        f"{points:.2g} points of accuracy with even chance, each claim by itself "
        "(spread as in 2 earlier studies)"
    )


def test_without_any_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    (sentence,) = told(monkeypatch, StudySpec(arms=("none", "batch", "layer")))
    assert sentence.startswith("which differences 5 pairs can show is unknown before")


def test_seeds_that_choose_rates_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = StudySpec(recipe={"rates": (0.01, 0.1)}, seeds=range(6))
    assert told(monkeypatch, spec)[0].startswith("which differences 4 pairs")


def test_of_two_pairs_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, StudySpec(seeds=(0, 1))) == []


def test_an_early_look_shows_larger_differences_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    earlier = accuracy_study([0.001, 0.003, 0.008])
    at_once = told(monkeypatch, StudySpec(), earlier)
    early = told(monkeypatch, StudySpec(seeds_at_most=20), earlier)
    points = [
        float(s.split("difference of ")[1].split()[0]) for [s] in (at_once, early)
    ]
    assert points[0] < points[1]
