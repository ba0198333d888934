"""The command line: parse, one library call, show. The only place that prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from normlab.cli.stopping import code_of
from normlab.errors import NormlabError
from normlab.foreign import shortened
from normlab.terminal.printing import complain

__all__ = ["main"]

_LONGEST = 2_000
"""Characters of an error: what was typed or found may be of any length."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; whatever a user can get wrong ends in one line.

    Args:
        arguments: Words after `normlab`; None for those of this process.

    Returns:
        The exit code: 0 done, 1 failed, 2 bad usage or bad input, 130 interrupted
        by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP.
    """
    _open_what_is_closed()
    # Typer is imported here, so that `python -m` and tests can reach this module
    # without it, and so that an interrupt during its import is quiet too.
    try:
        from normlab.cli.app import invoke

        _never_die_of_a_character()
        code = invoke(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except NormlabError as error:
        return _refuse(str(error), error.exit_code)
    except KeyboardInterrupt as stop:
        return _say("normlab: interrupted.", code_of(stop))
    except BrokenPipeError:
        # whoever read us has seen enough; nothing may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        # what is kept in folders says where it is; the output has no name
        where = error.filename or "the output cannot be written"
        return _refuse(f"{where}: {error.strerror or error}.", NormlabError.exit_code)
    return code


def _refuse(message: str, code: int) -> int:
    return _say(f"normlab: error: {' '.join(message.split())}", code)


def _say(line: str, code: int) -> int:
    complain(shortened(line, _LONGEST))
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
