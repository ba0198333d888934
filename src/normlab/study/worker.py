"""A worker process: takes one job after another and reports what happens.

Started as `python -m normlab.study.worker`. It speaks over its standard input and
output (see `channel`) and ends when its conductor does; how a study is stopped is the
conductor's business.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path

from normlab.errors import BadFolder, NormlabError, described
from normlab.records.events import Failed
from normlab.study.channel import Channel
from normlab.study.messages import Halted, JobEnded, Setup


def main() -> None:
    """Serve the conductor at the other end of standard input until it is gone."""
    # a terminal or a scheduler sends these to all processes of a study
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)
    channel = Channel.of_this_process()
    try:
        _set_up(channel.receive())
        while True:
            _perform(channel)
    except (EOFError, BrokenPipeError):
        return  # the conductor is gone, and nobody else asks


def _set_up(setup: Setup) -> None:
    if setup.core is not None:
        os.sched_setaffinity(0, {setup.core})
    sys.path[:] = setup.path
    import torch

    torch.set_num_threads(setup.threads)


def _perform(channel: Channel) -> None:
    from normlab.base.settings import settings_kept

    with settings_kept():  # a user's module may be imported, and set what it likes
        job = channel.receive()
    try:
        job.perform(channel.send)
    except (EOFError, BrokenPipeError):
        raise
    except BadFolder as error:
        channel.send(Halted(str(error)))
    except NormlabError as error:
        channel.send(Failed(reason=str(error)))
    except Exception as error:
        if _out_of_memory(error):
            raise  # only a fresh process gets its memory back
        traceback.print_exc()
        channel.send(Failed(reason=_in_one_line(error)))
    channel.send(JobEnded())


def _out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def _in_one_line(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{described(error)} ({Path(last.filename).name}, line {last.lineno})"


if __name__ == "__main__":
    main()
