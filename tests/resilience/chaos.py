"""Rounds: a study is interrupted at random, goes on, and must be as if it were not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.resilience.home import Ended, Home, draw
from tests.resilience.likeness import unlike
from tests.resilience.stages import STAGES, wait_for
from tests.resilience.strokes import Stroke, dealt

_OFTEN = 6  # times that a study is resumed at most
_TRIES = 4  # to hit a stage that may be over in a moment


@dataclass
class Round:
    """What was done to a study, and what is wrong with it after that."""

    seed: int
    told: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    hit: bool = False


def stage_of(seed: int) -> str:
    """Where a round strikes first: seeds in a row take the stages in turn."""
    return list(STAGES)[seed % len(STAGES)]


def play(seed: int, path: Path, whole: Path) -> Round:
    """Play a round until its stage is hit.

    Args:
        seed: Of all that is drawn in it.
        path: A folder for it.
        whole: The same study, uninterrupted.
    """
    played = Round(seed)
    for again in range(_TRIES):
        if played.hit or played.faults:
            break
        played.told.append(f"round {seed}, {stage_of(seed)}")
        try:
            home = Home(path / f"{seed}-{again}", workers=1 + seed % 2)
            _played(played, home, whole, again)
        except AssertionError as hangs:
            played.faults.append(str(hangs))
    return played


def _played(played: Round, home: Home, whole: Path, again: int) -> None:
    draws = draw(played.seed)
    words, ended = home.begins(), None
    for number, stroke in enumerate(dealt(stage_of(played.seed), draws)):
        command = home.start(*words)
        hit = None
        if wait_for(stroke.stage, command, home.study):
            hit = stroke.sooner(again).land(command, draws)
        ended = command.ended()
        played.told.append(f"{hit or 'nothing was hit'}: {ended.code}")
        played.hit |= hit is not None and number == 0
        played.faults += _after(home, hit, ended)
        if ended.code == 0:
            break
        words = home.goes_on()
    played.faults += finish(home, whole, ended)


def _after(home: Home, stroke: Stroke | None, ended: Ended) -> Iterator[str]:
    if not (stroke.allows(ended) if stroke else ended.code == 0):
        yield f"{stroke} ends with {ended.code}: {ended.err}"
    if "Traceback" in ended.err:
        yield f"{stroke}: {ended.err}"
    for process in home.left():
        yield f"{stroke} leaves {process}"


def finish(home: Home, whole: Path, ended: Ended | None = None) -> list[str]:
    """Let a study go on to its end; what is wrong with it then.

    Args:
        home: Of the study.
        whole: The same study, uninterrupted.
        ended: How its last command ended; None if it must go on in any case.
    """
    for _ in range(_OFTEN):
        if ended is not None and ended.code == 0:
            break
        ended = home.start(*home.goes_on()).ended()
    else:
        return [f"cannot go on: {ended}"]
    found = [f"leaves {process}" for process in home.left()]
    kept = [path for path in home.temporary.iterdir() if not _is_pythons_own(path)]
    found += [f"TMPDIR keeps {path.name}" for path in kept]
    return found + unlike(home.study, whole)


def _is_pythons_own(path: Path) -> bool:
    """Whether Python wrote it: to see if it can write there, and removes it at once."""
    return path.is_file() and path.read_bytes() == b"blat"
