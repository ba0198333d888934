"""What is said of an experiment of the literature before it is trained."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scipy.stats import binomtest

from normlab.analysis.decidable import decidable
from normlab.cli.experiments import not_as_published
from normlab.experiments.registry import NAMES, experiment
from normlab.spec.settings import with_settings
from tests.resilience.home import write_data

TINY = (
    "--data data.npz --seeds 4 --epochs 1 --batch-size 32 --set model.width=4 "
    "--set data.training=auto"
)


def said(folder: Path, words: str) -> list[str]:
    """The lines of a run of a small study."""
    write_data(folder / "data.npz")
    done = subprocess.run(
        [sys.executable, "-m", "normlab", "run", *words.split(), "--out", "study"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_it_is_said_before_training_what_differs_and_what_can_be_decided(
    tmp_path: Path,
) -> None:
    lines = said(tmp_path, f"learning-rates --lr 0.1,0.3 {TINY}")
    training = next(i for i, line in enumerate(lines) if "steps left" in line)
    before = lines[:training]
    assert max(len(line) for line in before[1:] if str(tmp_path) not in line) <= 79
    text = " ".join(" ".join(before).split())
    assert "not as published, before your settings: Bjorck et al. train a" in text
    # four pairs give an exact test no p below 2/16
    assert (
        "stated, with too few seeds for a verdict (4 pairs; it takes 6 seeds): "
        "wider-learning-rates, trains-at-all (lr 0.3)"
    ) in text
    assert "stated, with seeds enough for a verdict: better-accuracy" in text


@pytest.mark.parametrize("seeds", range(3, 10))
def test_seeds_are_enough_where_pairs_that_agree_are_significant(seeds: int) -> None:
    spec = with_settings(experiment("learning-rates").spec(), [f"seeds={seeds}"])
    lines = {line.split(": ")[0]: line for line in decidable(spec)}
    enough = lines.get("stated, with seeds enough for a verdict", "")
    can = binomtest(seeds, seeds).pvalue < 0.05
    assert ("trains-at-all (lr 0.3; lr 1)" in enough) == can
    # a third of the seeds, at least one, choose the rates
    assert ("better-accuracy" in enough) == (seeds - max(1, seeds // 3) >= 3)


def test_experiments_as_they_come_can_decide_all_that_is_stated() -> None:
    for name in NAMES:
        for full in (False, True):
            (line,) = decidable(experiment(name).spec(full=full))
            assert line.startswith("stated, with seeds enough for a verdict: ")


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("measure=none", "stated, but not measured by this study: smoother-surface, r"),
        ("arms=none,layer", "stated of arms or settings that this study does not have"),
        ("seeds=2", "stated, with too few seeds for a verdict (2 pairs; it takes 3 s"),
    ],
)
def test_what_cannot_be_decided_is_said(setting: str, line: str) -> None:
    spec = with_settings(experiment("article").spec(), [setting])
    assert decidable(spec)[0].startswith(line)


def test_at_an_early_look_exact_tests_take_more_seeds() -> None:
    spec = with_settings(
        experiment("learning-rates").spec(), ["seeds=9", "seeds_at_most=20"]
    )
    assert "(9 pairs; it takes 10 seeds): wider-learning-rates" in decidable(spec)[0]


def test_a_study_of_ones_own_states_nothing() -> None:
    spec = experiment("article").spec()
    own = spec.model_copy(update={"experiment": "mine"})
    assert decidable(own) == []
    assert not_as_published("mine.toml", own) == []


def test_the_text_says_whether_it_is_about_these_settings() -> None:
    spec = experiment("depth").spec()
    (line,) = not_as_published("depth", spec)
    assert " ".join(line.split()) == f"not as published: {experiment('depth').differs}"
    fewer = with_settings(spec, ["seeds=3"])
    (line,) = not_as_published("depth", fewer)
    assert line.startswith("not as published, before your settings: The paper argues")
