"""A study killed on its way from one look to the next is as if it had not been."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from normlab.analysis.result import StudyResult
from normlab.records.folder import StudyFolder
from normlab.records.looks import LOOKS
from tests.resilience.batch import Trial
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
KIND = "kill points, looks"


def trials(path: Path) -> Iterator[Trial]:
    """Kills while an added seed trains, and once the first or second look is kept."""
    three = Home(path / "three")
    completed(three, *three.begins(*DECLARED, *SMALL))
    whole = copied(three, path / "whole")
    completed(whole, *GROWS)
    on_the_way = partial(killed_growing, three=three, whole=whole)
    named = "while an added seed trains"
    yield Trial(KIND, named, partial(on_the_way, before=at(seed=3), looks=FIRST))
    named = "once the second look is kept"
    yield Trial(KIND, named, partial(on_the_way, before=at(fact=LOOKS), looks=BOTH))
    named = "once the first look is kept"
    yield Trial(KIND, named, partial(killed_at_first, whole=whole))


def at(fact: str = "", seed: int = -1) -> list[str]:
    """What goes before a command that is to die there."""
    return [sys.executable, "-c", KILLED, fact, str(seed)]


def killed_growing(
    path: Path,
    *,
    three: Home,
    whole: Home,
    before: Sequence[str],
    looks: list[tuple[int, ...]],
) -> list[str]:
    """Kill a study of three seeds that gets two more, and let it go on."""
    home = copied(three, path)
    dies(home, *GROWS, before=before)
    faults = [] if seen(home) == looks else [f"looks are {seen(home)}"]
    completed(home, "resume", "study")
    return faults + unlike_grown(home, whole)


def killed_at_first(path: Path, *, whole: Home) -> list[str]:
    """Kill a study at its first look, and give it two more seeds."""
    home = Home(path)
    dies(home, *home.begins(*DECLARED, *SMALL), before=at(fact=LOOKS))
    faults = [] if seen(home) == FIRST else [f"looks are {seen(home)}"]
    completed(home, *GROWS)
    return faults + unlike_grown(home, whole)


def unlike_grown(home: Home, whole: Home) -> list[str]:
    """In what it differs from one that was let come to five seeds."""
    faults = unlike(home.study, whole.study)
    if not seen(home) == seen(whole) == BOTH:
        faults.append(f"looks are {seen(home)}, {seen(whole)}")
    if verdicts(home) != verdicts(whole):
        faults.append(f"verdicts are {verdicts(home)}, {verdicts(whole)}")
    if all(p is None for _, _, p, *_ in verdicts(whole)):
        faults.append("no verdict has a test, so nothing was compared")
    return faults


def copied(three: Home, path: Path) -> Home:
    """Its study in a home of its own, with the same data."""
    home = Home(path)
    shutil.copytree(three.study, home.study)
    return home


def dies(home: Home, *words: str, before: Sequence[str]) -> None:
    """Run a command that is to kill itself, and leaves nobody."""
    ended = home.start(*words, before=before).ended()
    assert ended.code == -signal.SIGKILL, ended
    assert home.left() == []


def completed(home: Home, *words: str) -> None:
    """Run a command to its end."""
    ended = home.start(*words).ended()
    assert ended.code == 0, ended
    assert home.left() == []


def seen(home: Home) -> list[tuple[int, ...]]:
    """The seeds of each look."""
    return [look.seeds for look in StudyFolder.open(home.study).read().looks]


def verdicts(home: Home) -> list[tuple[object, ...]]:
    """What is said of each claim, and from what."""
    claims = StudyResult.open(home.study).claims()
    return [(c.id, c.effects, c.p, c.p_holm, c.verdict) for c in claims]
