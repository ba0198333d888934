"""A study killed on its way from one look to the next is as if it had not been."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from normlab.analysis.result import StudyResult
from normlab.records.folder import StudyFolder
from normlab.records.looks import LOOKS
from tests.resilience.home import Home
from tests.resilience.likeness import unlike

# normlab, dead as soon as it has kept something: an epoch of a run of that seed, or a
# fact of that name
KILLED = """
import os, signal, sys
from normlab.cli import main
from normlab.records.writer import Writer
fact, seed = sys.argv[1], int(sys.argv[2])
del sys.argv[1:6]  # with the words that start normlab
meta, event = Writer.meta, Writer.event
def keeps_fact(self, key, value):
    meta(self, key, value)
    if key == fact:
        os.kill(os.getpid(), signal.SIGKILL)
def keeps_event(self, key, of):
    event(self, key, of)
    if key.seed == seed and type(of).__name__ == "EpochDone":
        os.kill(os.getpid(), signal.SIGKILL)
Writer.meta, Writer.event = keeps_fact, keeps_event
sys.exit(main())
"""
DECLARED = ("--set", "seeds=3", "--seeds-at-most", "5", "--measure", "none")
TRAINS = ("model.width=8", "model.depth=1", "recipe.epochs=40", "recipe.rates=0.3")
SMALL = [word for setting in TRAINS for word in ("--set", setting)]
GROWS = ("resume", "study", "--seeds", "5")
FIRST, BOTH = [(0, 1, 2)], [(0, 1, 2), (0, 1, 2, 3, 4)]


def at(fact: str = "", seed: int = -1) -> list[str]:
    """What goes before a command that is to die there."""
    return [sys.executable, "-c", KILLED, fact, str(seed)]


def begun(path: Path, before: Sequence[str] = ()) -> Home:
    """A study of three seeds that may come to five."""
    home = Home(path)
    ended = home.start(*home.begins(*DECLARED, *SMALL), before=before).ended()
    assert ended.code == (-signal.SIGKILL if before else 0), ended
    return home


def completed(home: Home, *words: str) -> None:
    ended = home.start(*words).ended()
    assert ended.code == 0, ended
    assert home.left() == []


def seen(home: Home) -> list[tuple[int, ...]]:
    return [look.seeds for look in StudyFolder.open(home.study).read().looks]


def verdicts(home: Home) -> list[tuple[object, ...]]:
    claims = StudyResult.open(home.study).claims()
    return [(c.id, c.effects, c.p, c.p_holm, c.verdict) for c in claims]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return begun(tmp_path_factory.mktemp("three") / "home")


@pytest.fixture(scope="module")
def whole(three: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The study that was let come to five seeds."""
    home = copied(three, tmp_path_factory.mktemp("whole") / "home")
    completed(home, *GROWS)
    return home


def copied(three: Home, path: Path) -> Home:
    """Its study in a home of its own, with the same data."""
    home = Home(path)
    shutil.copytree(three.study, home.study)
    return home


def as_if_never_killed(home: Home, whole: Home) -> None:
    assert unlike(home.study, whole.study) == []
    assert seen(home) == seen(whole) == BOTH
    assert verdicts(home) == verdicts(whole)
    assert any(p is not None for _, _, p, *_ in verdicts(whole))  # some have a test


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "looks"),
    [
        pytest.param(at(seed=3), FIRST, id="while an added seed trains"),
        pytest.param(at(fact=LOOKS), BOTH, id="once the look is kept"),
    ],
)
def test_it_goes_on_from_a_kill_on_its_way_to_the_second_look(
    before: list[str],
    looks: list[tuple[int, ...]],
    three: Home,
    whole: Home,
    tmp_path: Path,
) -> None:
    home = copied(three, tmp_path / "home")
    ended = home.start(*GROWS, before=before).ended()
    assert ended.code == -signal.SIGKILL, ended
    assert home.left() == []
    assert seen(home) == looks
    completed(home, "resume", "study")
    as_if_never_killed(home, whole)


@pytest.mark.slow
def test_it_goes_on_from_a_kill_once_the_first_look_is_kept(
    whole: Home, tmp_path: Path
) -> None:
    home = begun(tmp_path / "home", at(fact=LOOKS))
    assert seen(home) == FIRST
    completed(home, *GROWS)
    as_if_never_killed(home, whole)
