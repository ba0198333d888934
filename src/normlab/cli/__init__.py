"""The command line: parse, one library call, show. The only place that prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from normlab.cli.stopping import deaf_at_exit, signals_stop

__all__ = ["main"]

_TRAIN = {
    "run",
    "resume",
    "rerun",
    "surface",
    "recalibrate",
    "inspect",
    "fold",
    "convert",
    "insert",
}  # or load torch all the same


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; whatever a user can get wrong ends in one line.

    Args:
        arguments: Words after `normlab`; None for those of this process, which is
            to end with the exit code.

    Returns:
        The exit code: 0 done, 1 failed, 2 bad usage or bad input, 130 stopped by
        Ctrl-C, 143 by SIGTERM, 129 by SIGHUP.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    trains = next((word for word in words if word in _TRAIN), None)
    with signals_stop() as stop:
        if arguments is None and not trains:
            deaf_at_exit()
        try:
            code = _invoked(words, trains)
        except BaseException as error:
            stop.deafen()
            from normlab.cli.ending import end

            code = end(error)
            if isinstance(error, BrokenPipeError) and not trains:
                code = 0  # whoever read it had enough
        if arguments is None and trains:
            stop.deafen()
            from normlab.cli.leaving import leave

            leave(code)
        if arguments is None:
            stop.code = code
    return code


def _invoked(arguments: list[str], trains: str | None) -> int:
    _open_what_is_closed()
    # here, so that a signal during the imports is heard too
    from normlab.disk.room import refuse_few_addresses

    refuse_few_addresses(trains or "normlab", torch=trains is not None)
    if trains:
        from normlab.study.processes import adopt_orphans

        adopt_orphans()
    from normlab.cli.app import invoke

    _never_die_of_a_character()
    code = invoke(arguments)
    sys.stdout.flush()
    return code


def _open_what_is_closed() -> None:
    """Under `>&-` there is no standard output; what is said there is for nobody."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def _never_die_of_a_character() -> None:
    """Replace what an old terminal's encoding cannot show, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
