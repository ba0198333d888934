"""A small real study by the command line, in a home of its own."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

LIMIT = 300  # seconds after which something hangs
_MARK = "NORMLAB_CHAOS_HOME"
_SOURCE = Path(__file__).parents[2]
_SETTINGS = (
    *("--data", "data.npz", "--seeds", "2", "--epochs", "2", "--batch-size", "32"),
    *("--set", "surfaces.points=3", "--set", "surfaces.examples=32"),
    *("--set", "surfaces.planes=common"),
)
MODEL = """
from torch import nn


def make(norm, shape, classes):
    return nn.Sequential(nn.Linear(6, 4), norm(4), nn.ReLU(), nn.Linear(4, classes))
"""


class Ended(NamedTuple):
    """How a command ended; negative codes are signals, as for `subprocess`."""

    code: int
    out: str
    err: str


class Home:
    """A working folder, with data, HOME and TMPDIR; its study is `study`."""

    def __init__(self, path: Path, *, workers: int = 1) -> None:
        self.path = path
        self._workers = workers
        self.study = path / "study"
        self.temporary = path / "tmp"
        self._commands = 0
        for folder in (self.temporary, path / "home", path / "said"):
            folder.mkdir(parents=True)
        (path / "net.py").write_text(MODEL)
        write_data(path / "data.npz")

    def start(
        self,
        *words: str,
        before: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> Command:
        """Start a command of normlab here.

        Args:
            words: After `normlab`.
            before: Words before it, of a program that starts it.
            env: What is different in its environment.
            prepare: Is called in the new process.
        """
        self._commands += 1
        said = self.path / "said" / str(self._commands)
        return Command([*before, *python(), *words], self._env(env), said, prepare)

    def begins(self, *words: str) -> tuple[str, ...]:
        """The words that begin the study, with a network of two layers."""
        words = words or ("--set", "model.width=4", "--set", "model.depth=1")
        return (
            "run",
            *_SETTINGS,
            *words,
            "--workers",
            str(self._workers),
            "--out",
            "study",
        )

    def goes_on(self) -> tuple[str, ...]:
        """The words that resume it, or begin it where nothing was kept."""
        kept = (self.study / "study.db").exists()
        return ("resume", "study") if kept else self.begins()

    def left(self) -> list[str]:
        """Living processes that were started here, given time to end."""
        end = time.monotonic() + 20
        while (found := self._living()) and time.monotonic() < end:
            time.sleep(0.05)
        return found

    def _living(self) -> list[str]:
        found: list[str] = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get(_MARK) == str(self.path):
                    found.append(" ".join(process.cmdline()[:6]))
        return found

    def _env(self, changes: Mapping[str, str] | None) -> dict[str, str]:
        path = os.pathsep.join((str(_SOURCE / "src"), str(_SOURCE)))
        own = {
            _MARK: str(self.path),
            "HOME": str(self.path / "home"),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": path,
            "PYTHONUNBUFFERED": "1",
        }
        return {**os.environ, **own, **(changes or {})}


class Command:
    """A command under way, in the home that its `said` lies in."""

    def __init__(
        self,
        words: Sequence[str],
        env: Mapping[str, str],
        said: Path,
        prepare: Callable[[], None] | None,
    ) -> None:
        self._out, self._err = said.with_suffix(".out"), said.with_suffix(".err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                words,
                cwd=said.parents[1],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                preexec_fn=prepare,
            )
        self.words = words
        self.pid = self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def said(self) -> str:
        """What it has said so far."""
        return self._out.read_text(errors="replace")

    def workers(self) -> list[int]:
        """Processes that it has started, and these."""
        with suppress(psutil.Error):
            below = psutil.Process(self.pid).children(recursive=True)
            return [process.pid for process in below]
        return []

    def ended(self, limit: float = LIMIT) -> Ended:
        """Wait for its end.

        Raises:
            AssertionError: If it hangs; it is killed then.
        """
        try:
            code = self._process.wait(limit)
        except subprocess.TimeoutExpired:
            for pid in (*self.workers(), self.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)
            self._process.wait()
            raise AssertionError(f"hangs: {' '.join(self.words)}") from None
        return Ended(code, self.said(), self._err.read_text(errors="replace"))


def python() -> list[str]:
    """What starts normlab as its own command does."""
    return [sys.executable, "-m", "normlab"]


def write_data(path: Path, *, seed: int = 0) -> None:
    """128 examples of 6 features in two classes."""
    rng = np.random.default_rng(seed)
    x = rng.random((128, 6), dtype=np.float32)
    y = (x[:, 0] + x[:, 1] > 1).astype(np.int64)
    parts = {"x_train": x[:96], "y_train": y[:96], "x_test": x[96:], "y_test": y[96:]}
    np.savez(path, **parts)


def uninterrupted(path: Path, *words: str) -> Home:
    """A home whose study was never disturbed."""
    home = Home(path)
    ended = home.start(*home.begins(*words)).ended()
    if ended.code:
        raise AssertionError(f"an undisturbed study ends with {ended}")
    return home


def draw(seed: int) -> random.Random:
    """Draws of a round; the same again for the same seed."""
    return random.Random(f"chaos {seed}")
