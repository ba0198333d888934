"""Spoilt inputs of every kind under one law: python -m tests.resilience.fuzz."""

from __future__ import annotations

import argparse
import gc
import io
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.resilience.apart import Ended, apart
from tests.resilience.kinds import (
    FILES,
    KINDS,
    PICTURES,
    Kind,
    make_data,
    make_picture,
    read_data,
    readers,
    reported,
)
from tests.resilience.law import Law

SECONDS = 60  # for one input: far more than any needs
MOST = 1 << 30
_STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"}
_CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
REPORTS = 10  # of so many inputs one is put into a report, which takes longest
COLUMNS = (
    *("inputs", "exit 0", "exit 2", "broken", "hang", "executed", "outside"),
    "too large",
)


class Broken(NamedTuple):
    """An input under which the law does not hold."""

    kind: str
    given: Any
    what: str
    trouble: str


class _Said:
    """What commands print, as pytest's capsys gives it."""

    def __init__(self) -> None:
        self.out, self.err = (
            io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)
        )

    def readouterr(self) -> Any:
        return _Pair(_taken(self.out), _taken(self.err))


def _taken(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    text = stream.read()
    stream.seek(0)
    stream.truncate()
    return text


class _Pair(NamedTuple):
    out: str
    err: str


def run(
    pattern: Path, name: str, count: int, number: int
) -> tuple[Counter[str], list[Broken], int]:
    """So many inputs of a kind: how they ended, which broke the law, peak memory."""
    kind, counts, broken, peak = KINDS[name], Counter[str](), list[Broken](), [0]

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(kind.inputs)
    def every(drawn: Any) -> None:
        ended = _tried(pattern, kind, drawn, whole=counts["inputs"] % REPORTS == 0)
        what = _what(ended)
        counts.update(("inputs", what))
        peak[0] = max(peak[0], ended.grown)
        if not what.startswith("exit"):
            broken.append(Broken(name, drawn, what, ended.trouble or str(ended.value)))

    warm(pattern)
    every()
    return counts, broken, peak[0]


@cache
def warm(pattern: Path) -> None:
    """Import once what readers import; children are forked from here."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        shutil.copytree(pattern, home / "study")
        said = _Said()
        law = Law(said)  # pyright: ignore[reportArgumentType]
        with redirect_stdout(said.out), redirect_stderr(said.err):
            reported(law, home, None)
        for form in (*FILES, *PICTURES):
            (make_picture if form in PICTURES else make_data)(home, (form, []))
            read_data(law, home, (form, None))
            shutil.rmtree(home / "data")
    gc.collect()
    gc.freeze()  # a child that collects would copy all that its parent holds


def _tried(pattern: Path, kind: Kind, drawn: Any, *, whole: bool) -> Ended:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        shutil.copytree(pattern, home / "study")

        read = reported if whole and kind.read is readers else kind.read

        def child() -> tuple[list[str], int]:
            kind.spoil(home, drawn)
            seen: list[str] = []
            sys.addaudithook(lambda event, words: _watch(event, words, home, seen))
            said = _Said()
            law = Law(said)  # pyright: ignore[reportArgumentType]
            with redirect_stdout(said.out), redirect_stderr(said.err), chdir(home):
                read(law, home, drawn)
            return seen, max(law.codes, default=0)

        return apart(child, seconds=SECONDS)


def _watch(event: str, words: tuple[Any, ...], home: Path, seen: list[str]) -> None:
    """Note what is executed, and what is changed or read outside of the home."""
    if event in _STARTS or event == "pickle.find_class":
        seen.append(f"executed: {event} {words!r:.200}")
    elif event == "exec":
        if str(getattr(words[0], "co_filename", "")).startswith(str(home)):
            seen.append(f"executed: {words[0]}")
    elif event == "open" and isinstance(words[0], str | bytes):
        path, writes = os.path.realpath(os.fsdecode(words[0])), words[2] & _WRITES
        # by descriptor of its folder a file is opened under its bare name
        foreign = not path.startswith(str(home)) and path != os.devnull
        if foreign and (writes or path.startswith(str(home.parent))):
            seen.append(f"outside: {path}")
    elif event in _CHANGES and isinstance(words[0], str | bytes):
        path = os.path.realpath(os.fsdecode(words[0]))
        if not path.startswith(str(home)):
            seen.append(f"outside: {event} {path}")


def _what(ended: Ended) -> str:
    if "hang" in ended.trouble or "took more than" in ended.trouble:
        return "hang"
    if ended.trouble:
        return "broken"
    seen, code = ended.value
    if seen:
        return seen[0].partition(":")[0]
    return f"exit {code}" if ended.grown < MOST else "too large"


say = partial(print, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Fuzz at length; print a table of how the inputs ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.resilience.fuzz")
    parser.add_argument("--inputs", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(words)
    broken: list[Broken] = []
    share = -(-asked.inputs // len(KINDS))
    say("kind".ljust(10), *(c.rjust(9) for c in (*COLUMNS, "peak MB", "seconds")))
    with tempfile.TemporaryDirectory() as home:
        from tests.resilience.conftest import made

        pattern = made(Path(home) / "study")
        for name in KINDS:
            began = time.monotonic()
            counts, bad, peak = run(pattern, name, share, asked.seed)
            cells = [counts[column] for column in COLUMNS]
            cells += [peak >> 20, round(time.monotonic() - began)]
            say(name.ljust(10), *(str(cell).rjust(9) for cell in cells))
            for one in bad:  # now: a run that is stopped shows what it found
                say(f"  {one.what}: {one.given!r:.300}\n    {one.trouble:.600}")
            broken += bad
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
