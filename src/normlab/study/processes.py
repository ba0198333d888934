"""Processes that end with all that they started.

A worker leads a session of its own. Whatever a user's code starts there, by fork or
otherwise, stays in that session or descends from the worker.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from contextlib import suppress
from typing import Literal

import psutil

State = Literal["alive", "stopped", "dead"]
_TICK_SECONDS = 1.0
_SET_CHILD_SUBREAPER = 36  # of prctl, in linux/prctl.h


def state(pid: int) -> State:
    """How a child process is; a dead one need not have been waited for."""
    try:
        status = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return "dead"
    except OSError:  # no descriptor is left to look with
        return "alive"
    if status in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        return "dead"
    return "stopped" if status == psutil.STATUS_STOPPED else "alive"


def adopt_orphans() -> None:
    """Remain the ancestor of all that descends from this process, where Linux can.

    Otherwise a process whose parent has ended descends from nobody here, and is not
    found when all is to end.
    """
    with suppress(OSError, AttributeError):  # another system
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_session(leader: int) -> None:
    """Kill the processes of a session, and all descendants of its leader.

    Args:
        leader: A process id that nobody has waited for, since till then no other
            process can have it. It may be dead, and may be this process.
    """
    for _ in range(2):  # somebody may just have been forking
        for pid in {*_session(leader), *descendants(leader)} - {leader, os.getpid()}:
            kill(pid)
    with suppress(OSError):  # it has just ended
        os.killpg(leader, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """The living processes that a process started, and that those started."""
    try:
        return [one.pid for one in psutil.Process(pid).children(recursive=True)]
    except (psutil.NoSuchProcess, OSError):
        return []


def kill(pid: int) -> None:
    """Kill a process, if it has not just ended."""
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def end_when_orphaned() -> None:
    """Have this process, the leader of its session, watch from a thread.

    Once its parent is gone it is killed, with all that it started. The channel alone
    does not tell: a process that was forked from the parent holds that too.
    """
    threading.Thread(target=_outlive, args=(os.getppid(),), daemon=True).start()


def _outlive(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_TICK_SECONDS)
    end_session(os.getpid())


def _session(leader: int) -> set[int]:
    members: set[int] = set()
    with suppress(OSError):  # no descriptor is left to look with
        for pid in psutil.pids():
            with suppress(OSError):  # it has just ended, or belongs to somebody else
                if os.getsid(pid) == leader:
                    members.add(pid)
    return members
