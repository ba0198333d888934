"""Executors: who computes the jobs of a study.

The interface is two methods and an iterator, so that a cluster can compute the very
same jobs. Process pools of the usual libraries break whole when one process dies;
here each slot owns its worker and replaces it.
"""

from __future__ import annotations

import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from normlab.errors import one_line
from normlab.records.events import Failed
from normlab.study.channel import Channel, pack
from normlab.study.messages import JobEnded, Lost, Setup, Started

if TYPE_CHECKING:
    from normlab.study.jobs import Job

# glibc gives freed memory back to the system and then has it cleared anew, up to
# hundreds of page faults a step; gradients come and go, so a worker keeps it
KEEP_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(512 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
}


_LONGEST = 300  # characters of what a worker said last


class Executor(Protocol):
    """Computes jobs, several at a time, in the order in which they come."""

    def submit(self, job: Job, *, urgent: bool = False) -> None:
        """Queue one job; an urgent one before those that are not."""
        ...

    def messages(self) -> Iterator[tuple[Job, object]]:
        """What happens, until no job is left; each ends with JobEnded or Lost."""
        ...

    def close(self) -> None:
        """Stop at once; what jobs have kept on disk stays."""
        ...


class _Queued(NamedTuple):
    """A job in the queue, compared by when it is taken; None: the slot is to stop."""

    turn: int
    number: int  # no two are the same, so jobs are never compared
    job: Job | None


class LocalExecutor:
    """Worker processes on this machine, one job each at a time.

    Args:
        workers: Processes at the same time.
        threads: Compute threads of each.
        logs: Folder for what the workers print.
    """

    def __init__(self, *, workers: int, threads: int, logs: Path) -> None:
        self._jobs: queue.PriorityQueue[_Queued] = queue.PriorityQueue()
        self._count = itertools.count()
        self._messages: queue.SimpleQueue[tuple[Job, object]] = queue.SimpleQueue()
        self._open = 0
        logs.mkdir(parents=True, exist_ok=True)
        self._slots = [
            _Slot(core=core, threads=threads, log=logs / f"worker-{number}.log")
            for number, core in enumerate(_cores_for(workers, threads))
        ]
        self._threads = [
            threading.Thread(target=self._serve, args=(slot,), daemon=True)
            for slot in self._slots
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job, *, urgent: bool = False) -> None:
        """Queue one job; an urgent one before those that are not."""
        self._open += 1
        self._jobs.put(_Queued(int(not urgent), next(self._count), job))

    def messages(self) -> Iterator[tuple[Job, object]]:
        """What happens, until no job is left; each ends with JobEnded or Lost."""
        while self._open:
            job, message = self._messages.get()
            if isinstance(message, JobEnded | Lost):
                self._open -= 1
            yield job, message

    def close(self) -> None:
        """Stop every worker at once."""
        for _ in self._slots:
            self._jobs.put(_Queued(-1, next(self._count), None))
        for slot in self._slots:
            slot.stop()
        for thread in self._threads:
            thread.join()

    def _serve(self, slot: _Slot) -> None:
        while (job := self._jobs.get().job) is not None and not slot.stopped:
            self._messages.put((job, Started()))
            for message in slot.perform(job):
                self._messages.put((job, message))


class _Slot:
    """A place for one worker; a worker that died is replaced for the next job."""

    def __init__(self, *, core: int | None, threads: int, log: Path) -> None:
        self._setup = Setup(threads=threads, core=core, path=tuple(sys.path))
        self._log = log
        self._lock = threading.Lock()
        self.stopped = False
        self._start()  # at once: importing torch takes as long as reading the data

    def perform(self, job: Job) -> Iterator[object]:
        """What the worker says of `job`; ends with JobEnded or Lost."""
        if self._process.poll() is not None:
            self._channel.close()
            self._start()
        try:
            payload = pack(job)
        except Exception as error:  # whatever a user's object raises
            yield Failed(
                reason=f"{job.label} cannot be sent to a worker: {one_line(error)}"
            )
            yield JobEnded()
            return
        try:
            self._channel.send_packed(payload)
            while True:
                message = self._channel.receive()
                yield message
                if isinstance(message, JobEnded):
                    return
        except (EOFError, OSError):
            yield Lost(self._obituary())

    def stop(self) -> None:
        """Kill the worker."""
        with self._lock:
            self.stopped = True
            self._process.kill()
        self._process.wait()
        self._channel.close()

    def _start(self) -> None:
        with self._lock, self._log.open("ab") as log:
            if self.stopped:
                return
            self._process = subprocess.Popen(
                [sys.executable, "-m", "normlab.study.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={
                    **os.environ,
                    **KEEP_MEMORY,
                    "OMP_NUM_THREADS": str(self._setup.threads),
                },
                start_new_session=True,  # Ctrl-C is the conductor's business
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._channel = Channel(self._process.stdout, self._process.stdin)
        self._channel.send(self._setup)

    def _obituary(self) -> str:
        code = self._process.wait()
        if code < 0:
            name = signal.Signals(-code).name
            hint = ", perhaps for want of memory" if name == "SIGKILL" else ""
            return f"its worker was killed by {name}{hint}"
        lines = self._log.read_text(errors="replace").strip().splitlines()
        last = f": {lines[-1][:_LONGEST]}" if lines else ""
        return f"its worker ended with exit code {code}{last}"


def _cores_for(workers: int, threads: int) -> list[int | None]:
    """A processor for each worker, if together they fill the machine.

    A pinned worker keeps its caches (a tenth less time here). Where processors are
    left over, pinning could only put two studies on the same one.
    """
    if not hasattr(os, "sched_getaffinity"):
        return [None] * workers
    cores = sorted(os.sched_getaffinity(0))
    if threads != 1 or workers != len(cores):
        return [None] * workers
    return list(cores)
