"""Several processes on one study folder at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.resilience import racing
from tests.resilience.batch import Trial
from tests.resilience.chaos import finish
from tests.resilience.home import LIMIT, Command, Ended, Home, draw
from tests.resilience.stages import STAGES, wait_for

READS = (
    ("show", "study"),
    ("list", "."),
    ("export", "study", "--format", "json", "-o", "-"),
    ("show", "study", "--json"),
    (),  # the library
)
_LIBRARY = "import normlab; print(normlab.Result.open('study').table())"


def two_starts(path: Path, whole: Path, *, seed: int) -> list[str]:
    """Of two starts one runs, the other is refused in one line."""
    home = Home(path)
    return _two(home, home.begins(), whole, seed)


def two_resumes(path: Path, whole: Path, *, seed: int) -> list[str]:
    """Of two resumes one goes on, the other is refused, or finds all done."""
    home = Home(path)
    command = home.start(*home.begins())
    if wait_for("training", command, home.study):
        os.kill(command.pid, 9)
    command.ended()
    return _two(home, ("resume", "study"), whole, seed)


def _two(home: Home, words: tuple[str, ...], whole: Path, seed: int) -> list[str]:
    commands = [home.start(*words)]
    time.sleep(draw(seed).random() * STAGES["making"])
    commands.append(home.start(*words))
    ends = [command.ended() for command in commands]
    faults = [f"{ended}" for ended in ends if ended.code not in (0, 2)]
    if all(ended.code for ended in ends):
        faults.append(f"nobody went on: {ends}")
    faults += _not_refused(ends)
    return faults + finish(home, whole, Ended(0, "", ""))


def _not_refused(ends: list[Ended]) -> list[str]:
    """What a command said that must have said one line."""
    return [
        f"{ended.err!r}"
        for ended in ends
        if ended.code == 2 and (ended.err.count("\n") != 1 or "Traceback" in ended.err)
    ]


def readers(path: Path, whole: Path, *, count: int) -> list[str]:
    """Many read a study from its first moment to its last."""
    home = Home(path)
    command = home.start(*home.begins())
    reads: list[Command] = []
    wait_for("training", command, home.study)
    for number in range(count):
        words = READS[number % len(READS)]
        before = () if words else (sys.executable, "-c", _LIBRARY)
        reads.append(home.start(*words, before=before))
    reads_end = [read.ended() for read in reads]
    ended = command.ended()
    faults = [f"{end}" for end in reads_end if end.code or end.err]
    if ended.code:
        faults.append(f"the study: {ended}")
    return faults + finish(home, whole)


def races(path: Path, *, rounds: int) -> list[str]:
    """Two starts, and two that go on, of made-up studies, over and over."""
    path.mkdir(parents=True)
    words = [sys.executable, "-m", "tests.resilience.racing", str(path), str(rounds)]
    subprocess.run(words, cwd=Path(__file__).parents[2], check=True, timeout=LIMIT * 9)
    return [f"race {at}: {fault}" for at, fault in racing.faults(path, rounds)]


def trials(whole: Path, *, pairs: int, count: int) -> Iterator[Trial]:
    """So many pairs of commands, and readers."""
    for seed in range(pairs):
        for two in (two_starts, two_resumes):
            name = two.__name__.replace("_", " ")
            yield Trial(name, f"{name} {seed}", partial(two, whole=whole, seed=seed))
    name = f"{count} readers"
    yield Trial(name, name, partial(readers, whole=whole, count=count))


def race(rounds: int) -> Trial:
    """So many races."""
    name = f"{rounds} races"
    return Trial(name, name, partial(races, rounds=rounds))
