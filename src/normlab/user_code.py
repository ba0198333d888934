"""Code of a user's: whatever it raises is said in one line; a wish to stop is none.

A cancellation, an exit or a class of the user's own says no more about normlab than a
ValueError does. Where it is known what was called, `refusing` says so; around all that
calls a user's objects, `placing` says where their code failed.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from traceback import walk_tb
from types import FrameType

from normlab.errors import BadModel, NormlabError, Stopped, described, raised

_INSTALLED = ("site-packages", "dist-packages")


def is_stop(error: BaseException) -> bool:
    """Whether an error is a signal's, which goes through everything.

    The command line raises its own kind for a signal, Python an interrupt without a
    text; another interrupt was raised by somebody's code.

    Example:
        >>> is_stop(KeyboardInterrupt()), is_stop(KeyboardInterrupt("mine"))
        (True, False)
    """
    if isinstance(error, Stopped):
        return True
    if type(error) is not KeyboardInterrupt or error.args:
        return False
    handler = signal.getsignal(signal.SIGINT)
    return callable(handler) and not getattr(handler, "raises_stopped", False)


@contextmanager
def refusing(told: Callable[[BaseException], NormlabError]) -> Iterator[None]:
    """Call a user's code in the body; what it raises becomes one of our errors.

    Args:
        told: Makes that of it; one of ours may stay as it is.

    Example:
        >>> with refusing(lambda error: BadModel(f"forward: {described(error)}")):
        ...     raise SystemExit(0)
        Traceback (most recent call last):
        normlab.errors.BadModel: forward: SystemExit: 0
    """
    try:
        yield
    except BaseException as error:
        if is_stop(error):
            raise
        refusal = told(error)
        if refusal is error:
            raise
        raise refusal from error


@contextmanager
def placing() -> Iterator[None]:
    """Say where a user's code failed, if it was that which failed in the body.

    Raises:
        BadModel: With the file, the line and the function.
    """
    try:
        yield
    except NormlabError:
        raise
    except BaseException as error:
        frame, line = place(error)
        if is_stop(error) or not _is_users(frame):
            raise
        code = frame.f_code
        raise BadModel(
            f"{code.co_filename}, line {line}: {code.co_qualname} failed with "
            f"{described(error)}"
        ) from error


def place(error: BaseException) -> tuple[FrameType, int]:
    """Where an error was raised: in a user's code, if we called that last of all.

    Returns:
        A frame, and the line of its file.
    """
    frames = list(walk_tb(raised(error).__traceback__))
    later = takewhile(lambda one: _room(one[0]) != "normlab", reversed(frames))
    return next((one for one in later if _is_users(one[0])), frames[-1])


def _is_users(frame: FrameType) -> bool:
    """Whether it runs what is neither ours, nor Python's, nor installed."""
    if _room(frame) in {"normlab", *sys.stdlib_module_names}:
        return False
    return not any(name in frame.f_code.co_filename for name in _INSTALLED)


def _room(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
