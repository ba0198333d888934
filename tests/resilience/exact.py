"""Exact kill points: dead before the n-th call of the system that changes files.

Dead before a call is dead after the one before it, so all of them together are every
moment. `strace` counts the calls and kills.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from normlab.records.folder import StudyFolder
from normlab.spec.plan import plan
from tests.records.studies import SPEC
from tests.resilience import killed
from tests.resilience.batch import Trial
from tests.resilience.chaos import finish
from tests.resilience.home import LIMIT, Home
from tests.resilience.likeness import unlike

CALLS = (
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir"),
    *("mkdirat", "fsync", "fdatasync", "ftruncate", "pwrite64"),
)
"""SQLite commits by writing with `pwrite64`, and syncs with `fdatasync`."""
FEW = 6
_ROOT = Path(__file__).parents[2]
_CALL = re.compile(r"([a-z0-9]+)\(")


class Point(NamedTuple):
    """Before the n-th of such calls."""

    call: str
    number: int

    @property
    def words(self) -> list[str]:
        """What goes before a command that is to die there."""
        dies = f"inject={self.call}:signal=KILL:when={self.number}"
        traced = ["-e", f"trace={self.call}", "-e", dies]
        return ["strace", "-qq", "-o", "/dev/null", *traced]


def counting(log: Path) -> list[str]:
    """What goes before a command whose calls are to be noted in a file."""
    return ["strace", "-qq", "-o", str(log), "-e", f"trace={','.join(CALLS)}"]


def points(log: Path) -> list[Point]:
    """Of what was noted, in its order."""
    seen: Counter[str] = Counter()
    found: list[Point] = []
    for match in filter(None, map(_CALL.match, log.read_text().splitlines())):
        seen[match[1]] += 1
        found.append(Point(match[1], seen[match[1]]))
    return found


def of_study(home: Home) -> list[Point]:
    """Run a study; every point of its conductor, from making to report."""
    log = home.path / "calls"
    ended = home.start(*home.begins(), before=counting(log)).ended()
    if ended.code:
        raise AssertionError(f"an undisturbed study ends with {ended}")
    return points(log)


def of_command(home: Home, words: Sequence[str]) -> list[Point]:
    """Every point of another command on a study that is there."""
    log = home.path / "calls"
    home.start(*words, before=counting(log)).ended()
    return points(log)


def study_killed(path: Path, point: Point, whole: Path) -> list[str]:
    """Kill the conductor of a study there, then let it go on."""
    home = Home(path)
    ended = home.start(*home.begins(), before=point.words).ended()
    if ended.code not in (0, -9):  # in other turns there may be fewer calls
        return [f"{point}: {ended}"]
    return finish(home, whole, ended)


def command_killed(
    path: Path, words: Sequence[str], point: Point, whole: Path
) -> list[str]:
    """Kill another command on a finished study; resume and report mend all."""
    home = Home(path)
    shutil.copytree(whole, home.study)
    ended = home.start(*words, before=point.words).ended()
    if ended.code not in (0, -9):
        return [f"{point}: {ended}"]
    settings = home.study / "study.toml"
    return finish(home, whole) if settings.exists() else ["study.toml is gone"]


def of_records(path: Path) -> tuple[list[Point], Path]:
    """Keep a made-up study; its points, and the folder as it must become."""
    log, folder = path / "calls", path / "whole"
    path.mkdir(parents=True)
    _keep(folder, counting(log))
    return points(log), _kept(folder)


def records_killed(path: Path, point: Point, whole: Path) -> list[str]:
    """Kill who keeps a made-up study there, then keep the rest."""
    path.mkdir(parents=True)
    code = _keep(path / "whole", point.words)
    if code != -9:
        return [f"{point}: ended with {code}"]
    return unlike(_kept(path / "whole"), whole)


def trials(whole: Path, home: Path, few: random.Random | None) -> Iterator[Trial]:
    """Every point of records, of a study and of other commands.

    Or a few drawn ones of records alone, which take a second each: to count the points
    of a command takes longer than the command.
    """
    known, kept = of_records(home / "records")
    for at in known if few is None else _spread(known, FEW, few):
        name = f"before {at.call} {at.number} of the records"
        yield Trial("kill points, records", name, _killed(records_killed, at, kept))
    if few is not None:
        return
    for at in of_study(Home(home / "study")):
        name = f"before {at.call} {at.number} of a study"
        yield Trial("kill points, study", name, _killed(study_killed, at, whole))
    for words in (("resume", "study"), ("report", "study", "--force")):
        folder = Home(home / words[0])
        shutil.copytree(whole, folder.study)
        for at in of_command(folder, words):
            name = f"before {at.call} {at.number} of {words[0]}"
            kills = partial(command_killed, words=words, point=at, whole=whole)
            yield Trial(f"kill points, {words[0]}", name, kills)


def _killed(
    kills: Callable[[Path, Point, Path], list[str]], point: Point, whole: Path
) -> Callable[[Path], list[str]]:
    return partial(kills, point=point, whole=whole)


def _spread(known: list[Point], count: int, few: random.Random) -> list[Point]:
    """So many points, one of each part of their row."""
    part = len(known) / count
    return [known[int((n + few.random()) * part)] for n in range(count)]


def _keep(folder: Path, before: Sequence[str]) -> int:
    words = [*before, sys.executable, "-m", "tests.resilience.exact", str(folder)]
    return subprocess.run(words, cwd=_ROOT, timeout=LIMIT, check=False).returncode


def _kept(folder: Path) -> Path:
    if not (folder / "study.db").exists():
        killed.make(folder)
    with StudyFolder.open(folder).write() as writer:
        writer.add_runs(plan(SPEC))
        writer.rewind(plan(SPEC)[0], 0)  # as a conductor that goes on
    killed.go_on(folder)
    return folder


if __name__ == "__main__":
    killed.go_on(Path(sys.argv[1]))
