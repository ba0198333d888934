"""How a command ends that ran a user's code: with all that this code started.

A model file may start processes and threads that last: Python would wait for some for
ever, and leave others behind.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from contextlib import suppress
from multiprocessing import resource_tracker
from typing import NoReturn

from normlab.study.processes import descendants, kill

_PATIENCE_SECONDS = 2.0
_BEGUN_SECONDS = 0.05  # till a start that was under way is one
_STARTS = {"os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "subprocess.Popen"}


def leave(code: int) -> NoReturn:
    """End this process, and every process that descends from it.

    What is registered to be done at exit is done first, as far as it takes no longer
    than two seconds. Threads are not waited for.
    """
    try:
        _say_farewell()
        _end_descendants()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads it, or it is closed
                stream.flush()
    finally:
        os._exit(code)  # whatever is wrong by now, all has been said


def _say_farewell() -> None:
    # private, and the one way to do it while threads last
    farewell = threading.Thread(target=atexit._run_exitfuncs, daemon=True)
    farewell.start()
    farewell.join(_PATIENCE_SECONDS)


def _end_descendants() -> None:
    sys.addaudithook(_start_no_more)
    for _ in range(2):
        for pid in set(descendants(os.getpid())) - {_removes_shared_memory()}:
            kill(pid)
        time.sleep(_BEGUN_SECONDS)


def _start_no_more(event: str, _: tuple[object, ...]) -> None:
    """Hold up a thread that would start a process: a pool replaces what was killed."""
    if event in _STARTS:
        threading.Event().wait()


def _removes_shared_memory() -> int | None:
    """The process that does so once this one has ended, and then ends by itself."""
    return getattr(resource_tracker._resource_tracker, "_pid", None)
