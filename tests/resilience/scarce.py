"""Studies that lack something: room, memory, descriptors, folders, a clock."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.resilience.batch import Trial
from tests.resilience.chaos import finish
from tests.resilience.home import Ended, Home, uninterrupted, write_data
from tests.resilience.law import contents
from tests.resilience.stages import wait_for

LIMITS = {
    "file size": (resource.RLIMIT_FSIZE, [4 << 10, 16 << 10, 64 << 10, 1 << 20]),
    "descriptors": (resource.RLIMIT_NOFILE, [32, 8, 16, 24]),
    "memory": (
        resource.RLIMIT_AS,
        [800 << 20, 200 << 20, 400 << 20, 600 << 20, 1 << 30, 2 << 30],
    ),
}
"""In the order in which they are tried; a short form takes the first."""
DISKS = [160, 16, 48, 96, 320, 640, 1280]
"""Kilobytes; a study with its report needs 5 MB."""
_AMPLE = "64m"
_PLACES = {
    "no TMPDIR": {"TMPDIR": "/nowhere/at/all"},
    "unwritable TMPDIR": {"TMPDIR": "/proc"},
    "no HOME": {"HOME": "/nowhere/at/all"},
    "unwritable HOME": {"HOME": "/proc"},
}
_TINY_SHM = 'mount -t tmpfs -o size=4k none /dev/shm && exec "$@"'


def wrong_end(ended: Ended) -> list[str]:
    """A command that lacks something works, or says in one line what it lacks."""
    if ended.code not in (0, 1, 2) or "Traceback" in ended.err:
        return [f"ends with {ended.code}: {ended.err}"]
    if ended.code == 2 and ended.err.count("\n") != 1:
        return [f"says more than one line: {ended.err!r}"]
    return []


def starved(
    path: Path,
    whole: Path,
    *,
    before: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    limit: tuple[int, int] | None = None,
    works: bool = False,
) -> list[str]:
    """Run a study that lacks something, then go on without the want.

    Args:
        path: A folder for it.
        whole: The same study, undisturbed.
        before: What starts it.
        env: Its environment.
        limit: A resource of the process, and how much there is.
        works: Whether nothing that it needs is lacking.
    """
    home = Home(path)

    def prepare() -> None:
        if limit is not None:
            resource.setrlimit(limit[0], (limit[1], limit[1]))

    ended = home.start(*home.begins(), before=before, env=env, prepare=prepare).ended()
    faults = wrong_end(ended)
    if works and ended.code:
        faults.append(f"does not work: {ended}")
    return faults + finish(home, whole, ended)


def full_disk(path: Path, whole: Path, *, kilobytes: int, of: str) -> list[str]:
    """Run a study on a small file system, which then becomes a large one.

    Args:
        path: A folder for it.
        whole: The same study, undisturbed.
        kilobytes: What the file system holds.
        of: Which folder lies on it: study or tmp.
    """
    home = Home(path)
    with _mounted(path / of, f"{kilobytes}k") as mounted:
        ended = home.start(*home.begins()).ended()
        faults = wrong_end(ended)
        _mount("-o", f"remount,size={_AMPLE}", str(mounted))
        return faults + finish(home, whole, ended)


def can_mount(path: Path) -> bool:
    """Whether this process may make file systems."""
    try:
        with _mounted(path, "16k"):
            return True
    except subprocess.CalledProcessError:
        return False


@contextmanager
def _mounted(path: Path, size: str) -> Iterator[Path]:
    path.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "none", str(path))
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


def taken_away(path: Path, whole: Path, *, stage: str, deleted: bool) -> list[str]:
    """Move or delete the folder of a study at work."""
    home, elsewhere = Home(path), path / "elsewhere"
    command = home.start(*home.begins())
    if not wait_for(stage, command, home.study):
        return [f"{stage} was not hit: {command.ended()}"]
    home.study.rename(elsewhere)
    if deleted:
        shutil.rmtree(elsewhere)
    ended = command.ended()
    faults = wrong_end(ended)
    if ended.code != 2:
        faults.append(f"is not told: {ended}")
    if home.study.exists():
        faults.append(f"comes back with {sorted(contents(home.study))}")
    elif not deleted:
        elsewhere.rename(home.study)
    return faults + finish(home, whole)


def backwards(path: Path, whole: Path) -> list[str]:
    """A clock that goes backwards, and files from the future."""
    home = Home(path)
    wrapped = [sys.executable, "-m", "tests.resilience.backwards"]
    command = home.start(*home.begins(), before=wrapped)
    if wait_for("surfaces", command, home.study):
        os.kill(command.pid, 15)
    ended = command.ended()
    for file in home.study.rglob("*"):
        os.utime(file, (2**31, 2**31))
    faults = [] if ended.code == 143 else [f"ends with {ended}"]
    ended = home.start(*home.goes_on(), before=wrapped).ended()
    return faults + wrong_end(ended) + finish(home, whole, ended)


def edited(path: Path, whole: Path) -> list[str]:
    """Data and model files edited while a study rests are refused, and lose nothing."""
    own = ("--model", "net.py:make")
    whole = uninterrupted(path / "whole", *own).study
    home = Home(path / "home")
    command = home.start(*home.begins(*own))
    if wait_for("probes", command, home.study):
        os.kill(command.pid, 15)
    command.ended()
    faults: list[str] = []
    for name, what, edit in _EDITS:
        file, before = home.path / name, contents(home.study)
        kept = file.read_bytes()
        edit(file)
        ended = home.start("resume", "study").ended()
        if ended.code != 2 or ended.err.count("\n") != 1 or what not in ended.err:
            faults.append(f"{name} edited: {ended}")
        if _but_lock(contents(home.study)) != _but_lock(before):
            faults.append(f"{name} edited: the study has changed")
        file.write_bytes(kept)
    return faults + finish(home, whole)


def _other_data(file: Path) -> None:
    write_data(file, seed=1)


def _other_network(file: Path) -> None:
    file.write_text(file.read_text().replace("ReLU", "Tanh"))


_EDITS = (
    ("data.npz", "the data is not what it was", _other_data),
    ("net.py", "the model file is not what it was", _other_network),
)


def _but_lock(found: dict[str, bytes | str]) -> dict[str, bytes | str]:
    return {name: content for name, content in found.items() if name != ".lock"}


def trials(whole: Path, home: Path, *, full: bool) -> Iterator[Trial]:
    """All wants, or those that no quicker test tries."""

    def trial(kind: str, name: str, faults: Callable[..., list[str]], **how: object):
        return Trial(kind, f"{kind}: {name}", partial(faults, whole=whole, **how))

    for kind, (what, sizes) in LIMITS.items():
        for size in sizes if full else sizes[: kind != "memory"]:
            yield trial(f"little {kind}", f"{size}", starved, limit=(what, size))
    for name, env in _PLACES.items() if full else ():
        yield trial("odd places", name, starved, env=env, works=True)
    for deleted in (False, True) if full else (False,):
        for stage in ("training", "surfaces", "cost") if full else ("training",):
            name = f"{'deleted' if deleted else 'moved'} in {stage}"
            yield trial("taken away", name, taken_away, stage=stage, deleted=deleted)
    yield trial("clock", "backwards", backwards)
    if full:
        yield trial("edited", "data and model file", edited)
    if can_mount(home / "mount"):
        for size in DISKS if full else DISKS[:1]:
            for of in ("study", "tmp") if size == DISKS[1] else ("study",):
                name = f"{size} kB for {of}"
                yield trial("full disk", name, full_disk, kilobytes=size, of=of)
        if full:
            tiny = ["unshare", "-m", "sh", "-c", _TINY_SHM, "sh"]
            yield trial("odd places", "tiny /dev/shm", starved, before=tiny, works=True)
