"""What holds for every command, whatever lies in a study folder."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import pytest

from normlab.cli import main
from normlab.foreign import plain

SECONDS = 20  # far more than any of these needs


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Law:
    """Runs commands and asserts: exit 0, or 2 with one line; nothing that steers."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.codes: list[int] = []

    def holds(self, *words: str | Path) -> Outcome:
        """Run one command under the law."""
        self._capsys.readouterr()
        with _in_time():
            code = main([str(word) for word in words])
        said = self._capsys.readouterr()
        assert code in (0, 2), (words, code, said.err)
        self.codes.append(code)
        assert plain(said.out, keep="\n") == said.out
        assert plain(said.err, keep="\n") == said.err
        if code == 2:
            assert said.err.startswith("normlab: error: ")
            assert said.err.count("\n") == 1
            assert len(said.err) < 3_000
        return Outcome(code, said.out, said.err)

    def refuses(self, *words: str | Path) -> str:
        """The one line of a command that must refuse."""
        outcome = self.holds(*words)
        assert outcome.code == 2, outcome
        return outcome.err


@contextmanager
def _in_time() -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"took more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def contents(folder: Path) -> dict[str, bytes | str]:
    """Every file below a folder by its path, to compare before and after."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_bytes()
        else:
            found[name] = "folder" if path.is_dir() else "other"
    return found


def changed(folder: Path, *statements: str) -> None:
    """Put statements to a study.db, as somebody else could have."""
    with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


Prepare = Callable[[Path], None]
