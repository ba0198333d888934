"""Executors: who computes the jobs of a study.

The interface is two methods and an iterator, so that a cluster can compute the very
same jobs. Process pools of the usual libraries break whole when one process dies;
here each slot owns its worker and replaces it.
"""

from __future__ import annotations

import itertools
import os
import queue
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from normlab.study.messages import JobEnded, JobStarted, Lost, Message, Setup
from normlab.study.slot import WorkerSlot

if TYPE_CHECKING:
    from normlab.study.jobs import Job


class Executor(Protocol):
    """Computes jobs, several at a time, in the order in which they come."""

    def submit(self, job: Job, *, urgent: bool = False) -> None:
        """Queue one job; an urgent one before those that are not."""
        ...

    def messages(self) -> Iterator[tuple[Job, Message]]:
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
        self._messages: queue.SimpleQueue[tuple[Job, Message]] = queue.SimpleQueue()
        self._open = 0
        self._slots = [
            WorkerSlot(
                Setup(threads=threads, core=core, path=tuple(sys.path)),
                logs / f"worker-{number}.log",
            )
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

    def messages(self) -> Iterator[tuple[Job, Message]]:
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

    def _serve(self, slot: WorkerSlot) -> None:
        while (job := self._jobs.get().job) is not None and not slot.stopped:
            tell = partial(self._tell, job)
            tell(JobStarted())
            slot.perform(job, tell)

    def _tell(self, job: Job, message: Message) -> None:
        self._messages.put((job, message))


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
