"""At which rate and point figures show what probes saw."""

from __future__ import annotations

import math
from contextlib import suppress

import numpy as np
import pytest

from normlab.analysis.design.setting import setting_of
from normlab.errors import NotMeasured
from normlab.facade.result import Result
from normlab.figures import accuracy_and_percentiles
from normlab.figures.gallery import KINDS
from normlab.figures.kit import observed
from normlab.figures.kit.observed import setting_words
from normlab.figures.kit.theme import LIGHT
from normlab.records.rows import StudyRecord
from normlab.spec.plan import RunKey
from normlab.spec.point import SweepPoint
from tests.analysis.sweeps import over_rates, rates_spec
from tests.figures.made_up import observed_study

SIZE = "recipe.batch_size"
SIZES = {SIZE: [8, 64]}


def loss(key: RunKey) -> float:
    """The baseline is best at rate 0.1 and batches of 64; batch norm elsewhere."""
    if key.arm == "batch":
        return 0.01 if (key.rate, dict(key.point)[SIZE]) == (1.0, 8) else 0.5
    return 0.1 if (key.rate, dict(key.point)[SIZE]) == (0.1, 64) else 0.2


def test_it_is_the_baselines_own_best_rate_at_its_best_point() -> None:
    record = over_rates(rates_spec(0.01, 0.1, 1.0, sweep=SIZES), loss)
    assert setting_of(record) == (0.1, ((SIZE, 64),))
    assert setting_words(record) == "Seen at lr 0.1, batch_size 64."


def test_a_refined_rate_that_other_arms_lack_is_not_shown() -> None:
    more = [RunKey("none", 0.05, seed) for seed in range(4)]
    record = over_rates(rates_spec(0.01, 0.1), lambda key: abs(key.rate - 0.05), more)
    assert setting_of(record)[0] == 0.01


def test_where_every_rate_diverged_it_is_the_first() -> None:
    record = over_rates(rates_spec(0.01, 0.1), lambda key: math.inf)
    assert setting_of(record) == (0.01, ())


def test_one_setting_is_not_named() -> None:
    assert setting_words(over_rates(rates_spec(0.01), lambda key: 0.1)) == ""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Result:
    spec = rates_spec(0.01, 0.1, seeds=2, sweep=SIZES)
    return observed_study(tmp_path_factory.mktemp("swept") / "study", spec)


def test_pictures_of_a_sweep_say_what_they_show(swept: Result) -> None:
    names = {kind.id for kind in KINDS if kind.of_one_setting}
    pictures, _ = swept.figures().drawn()
    those = [picture for picture in pictures if picture.kind.id in names]
    assert len(those) > 5
    for picture in those:
        assert picture.alt.endswith(". Seen at lr 0.01, batch_size 8.")
        assert picture.kind.reading.endswith(". Seen at lr 0.01, batch_size 8.")


def test_what_is_read_at_one_setting_says_so(
    swept: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()

    def spied(record: StudyRecord) -> tuple[float, SweepPoint]:
        asked.add(drawing)
        return setting_of(record)

    for module in (accuracy_and_percentiles, observed):
        monkeypatch.setattr(module, "setting_of", spied)
    for kind in KINDS:
        drawing = kind.id
        with suppress(NotMeasured):
            kind.draw(swept, LIGHT)
    assert len(asked) > 5
    assert asked <= {kind.id for kind in KINDS if kind.of_one_setting}


def test_the_papers_figure_has_accuracy_and_two_units_on_one_scale(
    swept: Result,
) -> None:
    figure = swept.plot("accuracy-and-percentiles").figure
    assert figure.layout.yaxis3.matches == "y2"
    axes = {trace.xaxis: {trace.name} for trace in figure.data if trace.xaxis != "x"}
    assert axes == {"x2": {"without batch norm"}, "x3": {"with batch norm"}}
    accuracy = next(t for t in figure.data if t.xaxis == "x" and t.mode == "lines")
    assert np.all(np.asarray(accuracy.y) > 50)
