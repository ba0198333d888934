"""A worker process: takes one job after another and reports what happens.

Started as `python -m normlab.study.worker FD`, FD its end of a pair of sockets (see
`channel`). It ends when its conductor does, with all that it started; how a study is
stopped is the conductor's business.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from normlab.errors import BadFolder, NormlabError, described, one_line
from normlab.records.events import Failed
from normlab.study.channel import Channel, Gone, unpack
from normlab.study.messages import Halted, JobEnded, Setup
from normlab.study.processes import adopt_orphans, end_session, end_when_orphaned
from normlab.user_code import place

if TYPE_CHECKING:
    from normlab.study.jobs import Job


def main() -> None:
    """Serve the conductor at the other end of a socket until it is gone."""
    # a terminal or a scheduler sends these to all processes of a study
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, signal.SIG_IGN)
    os.register_at_fork(after_in_child=_stop_as_usual)
    adopt_orphans()
    end_when_orphaned()
    end = socket.socket(fileno=int(sys.argv[1]))
    end.set_inheritable(False)
    try:
        _serve(Channel(end))
    except Gone:
        end_session(os.getpid())  # nobody else asks
    except BaseException:
        traceback.print_exc()
        sys.stdout.flush()
    finally:
        os._exit(1)  # threads that a user's code left are not waited for


def _serve(channel: Channel) -> NoReturn:
    _set_up(channel.receive())
    while True:
        _perform(channel)


def _stop_as_usual() -> None:
    """A process that a user's code forks knows nothing of how a study ends."""
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, signal.SIG_DFL)


def _set_up(setup: Setup) -> None:
    if setup.core is not None:
        os.sched_setaffinity(0, {setup.core})
    sys.path[:] = setup.path
    import torch

    torch.set_num_threads(setup.threads)


def _perform(channel: Channel) -> None:
    payload = channel.receive_packed()
    try:
        _job(payload).perform(channel.send)
    except Gone:
        raise
    except BadFolder as error:
        channel.send(Halted(str(error)))
    except NormlabError as error:
        channel.send(Failed(reason=one_line(error)))
    except BaseException as error:  # SystemExit too: a user's code ends no worker
        if _out_of_memory(error):
            raise  # only a fresh process gets its memory back
        traceback.print_exc()
        channel.send(Failed(reason=_in_one_line(error)))
    channel.send(JobEnded())


def _job(payload: bytes) -> Job:
    from normlab.base.settings import settings_kept

    with settings_kept():  # a user's module may be imported, and set what it likes
        return unpack(payload)


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def _in_one_line(error: BaseException) -> str:
    if not one_line(error):
        return described(error)  # says the place itself
    frame, line = place(error)
    file = Path(frame.f_code.co_filename).name
    return f"{described(error)} ({file}, line {line})"


if __name__ == "__main__":
    main()
