"""A place for one worker process, which is replaced when it has ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.errors import described, one_line
from normlab.records.events import Failed
from normlab.study.channel import Channel, Gone, pack
from normlab.study.messages import JobEnded, Lost, Setup, Stands, Tell
from normlab.study.processes import end_session, state

if TYPE_CHECKING:
    from normlab.study.jobs import Job

# glibc gives freed memory back to the system and then has it cleared anew, up to
# hundreds of page faults a step; gradients come and go, so a worker keeps it
KEEP_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(512 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
}
_LONGEST = 300  # characters of what a worker said last
_STANDS_SECONDS = 20.0
_LOG = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class WorkerSlot:
    """One worker at a time, watched by its channel and as a process.

    Args:
        setup: How its workers are to run.
        log: What they print.
        stands: Seconds after which it is told that a worker stands still.
    """

    def __init__(
        self, setup: Setup, log: Path, *, stands: float = _STANDS_SECONDS
    ) -> None:
        self._setup = setup
        self._log = log
        self._stands = stands
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self.stopped = False
        # at once: importing torch takes as long as reading the data
        with suppress(OSError, Gone):  # `perform` tries again, and says what it is
            self._start()

    def perform(self, job: Job, tell: Tell) -> None:
        """Tell what the worker says of `job`; ends with JobEnded or Lost."""
        try:
            payload = pack(job)
        except BaseException as error:  # whatever a user's object raises
            tell(
                Failed(
                    reason=f"{job.label} cannot be sent to a worker: {one_line(error)}"
                )
            )
            tell(JobEnded())
            return
        failing = "no worker can be started"
        try:
            worker = self._ready()
            failing = "talking to its worker failed"
            worker.attend(lambda: tell(Stands(_stands(worker.pid))), self._stands)
            worker.channel.send_packed(payload)
            while not isinstance(message := worker.channel.receive(), JobEnded):
                tell(message)
            tell(message)
        except Gone:
            tell(Lost(self._obituary()))
        except Exception as error:  # no descriptors, no memory; a user's own class
            self._end()
            tell(Lost(f"{failing} ({described(error)})"))

    def stop(self) -> None:
        """Kill the worker with all that it started; no other takes its place."""
        with self._lock:
            self.stopped = True
        self._end()

    def _ready(self) -> _Worker:
        if self._worker is None or state(self._worker.pid) == "dead":
            self._end()
            self._start()
        worker = self._worker
        if worker is None:
            raise Gone  # stopped meanwhile
        return worker

    def _start(self) -> None:
        with self._lock:
            if not self.stopped:
                self._worker = _Worker(self._setup, self._log)
                self._worker.channel.send(self._setup)

    def _end(self) -> int:
        with self._lock:
            worker, self._worker = self._worker, None
        return 0 if worker is None else worker.end()

    def _obituary(self) -> str:
        code = self._end()
        if self.stopped:
            return "its worker was told to stop"
        if code < 0:
            name = signal.Signals(-code).name
            hint = ", perhaps for want of memory" if name == "SIGKILL" else ""
            return f"its worker was killed by {name}{hint}"
        if code == 0:  # ours never do
            return "a user's code ended its worker, as os._exit(0) does"
        return f"its worker ended with exit code {code}{self._last_words()}"

    def _last_words(self) -> str:
        try:
            lines = self._log.read_text(errors="replace").strip().splitlines()
        except OSError:  # TMPDIR was cleaned meanwhile
            return ""
        return f": {lines[-1][:_LONGEST]}" if lines else ""


class _Worker:
    """A process, and this side of the channel to it.

    Raises:
        OSError: If it cannot be started.
    """

    def __init__(self, setup: Setup, log: Path) -> None:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = _started(setup, log, theirs.fileno())
        except BaseException:
            ours.close()
            raise
        self.channel = Channel(ours, idle=self._look)
        self._tell: Callable[[], None] = lambda: None
        self._patience = float("inf")
        self._stood_since: float | None = None

    @property
    def pid(self) -> int:
        """Of the process, which leads its session."""
        return self._process.pid

    def attend(self, tell: Callable[[], None], patience: float) -> None:
        """Call `tell`, once each time, when it has stood still so many seconds."""
        self._tell, self._patience = tell, patience

    def end(self) -> int:
        """Kill it with all that it started, unless it is dead; its exit code."""
        end_session(self.pid)
        self.channel.close()
        return self._process.wait()

    def _look(self) -> None:
        now = state(self.pid)
        if now == "dead":
            raise Gone
        if now == "alive":
            self._stood_since = None
        elif self._stood_since is None:
            self._stood_since = time.monotonic()
        elif time.monotonic() - self._stood_since >= self._patience:
            self._stood_since = float("inf")  # said, until it goes on
            self._tell()


def _started(setup: Setup, log: Path, end: int) -> subprocess.Popen[bytes]:
    with suppress(FileExistsError):  # made again if TMPDIR was cleaned
        log.parent.mkdir(mode=0o700, parents=True)
    with os.fdopen(os.open(log, _LOG, 0o600), "ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "normlab.study.worker", str(end)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={
                **os.environ,
                **KEEP_MEMORY,
                "OMP_NUM_THREADS": str(setup.threads),
            },
            pass_fds=(end,),
            start_new_session=True,  # Ctrl-C is the conductor's business
        )


def _stands(pid: int) -> str:
    return f"its worker is stopped (process {pid}). Let it go on: kill -CONT {pid}"
