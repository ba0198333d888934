"""How a command ends that raises something: its exit code and one line."""

from __future__ import annotations

import errno
import os
import sys
from typing import NamedTuple

from normlab.cli.stopping import Stopped, signal_behind
from normlab.disk.remedy import is_want, remedy
from normlab.errors import NormlabError
from normlab.foreign import shortened
from normlab.terminal.printing import complain

_LONGEST = 2_000  # characters of a line: what was typed or found may be of any length
_NO_ROOM = (
    "allocate memory",
    "failed to map",
    "can't start new thread",
    "std::bad_alloc",
)


class Ending(NamedTuple):
    """What a process leaves."""

    code: int
    line: str | None = None


def end(error: BaseException) -> int:
    """Say in one line how a command ended that raised `error`.

    Returns:
        The exit code.

    Raises:
        BaseException: The error itself, if it is a mistake of normlab's.
    """
    ending = _ending(error)
    if ending is None:
        raise error
    if ending.line is not None:
        complain(shortened(" ".join(f"normlab: {ending.line}".split()), _LONGEST))
    return ending.code


def _ending(error: BaseException) -> Ending | None:
    number = signal_behind(error)
    if number is not None:
        advice = error.advice if isinstance(error, Stopped) else "stopped."
        return Ending(128 + number, advice)
    if isinstance(error, NormlabError):
        return Ending(error.exit_code, f"error: {error}")
    if isinstance(error, BrokenPipeError):
        # whoever read us has seen enough; nothing may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Ending(1)
    if _lacks_memory(error):
        return Ending(
            NormlabError.exit_code,
            "error: there is not enough memory. Free some, raise the limit of this "
            "process (ulimit -v), or take fewer --workers.",
        )
    if isinstance(error, OSError):
        # what is kept in folders says where it is; the output has no name
        unnamed = "this process" if is_want(error) else "the output cannot be written"
        reason, advice = error.strerror or error, remedy(error, otherwise="")
        told = f"error: {error.filename or unnamed}: {reason}. {advice}"
        return Ending(NormlabError.exit_code, told)
    return None


def _lacks_memory(error: BaseException) -> bool:
    """Whether it is want of memory, which loading a library says in its own ways."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return any(words in str(error) for words in _NO_ROOM)
