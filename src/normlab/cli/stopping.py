"""How a command hears that it is to stop: by Ctrl-C, SIGTERM or a lost terminal.

At work before anything heavy is imported, so that no moment is left out; this module
imports next to nothing itself.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from normlab.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# what a keyboard, `kill`, `timeout` and batch systems send, and a closed terminal
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KEEPING_SECONDS = 5.0
_SOON_SECONDS = 0.05


class Stop:
    """The handler of all signals that stop a command; remembers the first."""

    raises_stopped = True
    number: int | None = None
    code: int | None = None
    """The exit code once all is said, after which a signal ends the process."""
    _deaf_until = 0.0

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Raise `Stopped`, but not again while what there is is being kept."""
        if self.code is not None:
            os._exit(self.code)
        if time.monotonic() < self._deaf_until:
            return
        self.number = self.number or number
        self.deafen()
        raise Stopped(self.number)

    def deafen(self, seconds: float = _KEEPING_SECONDS) -> None:
        """Whoever sends a signal again may not tear up what the first one began."""
        self._deaf_until = time.monotonic() + seconds

    def once_more(self, lost: sys.UnraisableHookArgs) -> None:
        """Stop after all, where Python had to ignore it: in a callback, say."""
        if not isinstance(lost.exc_value, Stopped):
            sys.__unraisablehook__(lost)
            return
        self.deafen(0)
        words = (os.getpid(), lost.exc_value.number)
        threading.Timer(_SOON_SECONDS, os.kill, words).start()


_now: list[Stop] = []


def signal_behind(error: BaseException) -> int | None:
    """The signal that an error comes from; None if it comes from none.

    An import that is cut off may end in any error, and so may a user's code.

    Example:
        >>> signal_behind(KeyboardInterrupt()) == signal.SIGINT
        True
        >>> signal_behind(ImportError("torch"))
    """
    heard = _now[-1].number if _now else None
    return heard or (signal.SIGINT if isinstance(error, KeyboardInterrupt) else None)


@contextmanager
def signals_stop() -> Iterator[Stop]:
    """Have signals raise `Stopped` in the body; one that is ignored stays so.

    A process that is forked meanwhile does not inherit that. Where the body has set
    `code`, it holds until the process ends.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread hears signals
        return
    before = {number: signal.getsignal(number) for number in _STOPS}
    hook = sys.unraisablehook
    _now.append(stop)
    sys.unraisablehook = stop.once_more
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield stop
    finally:
        if stop.code is None:
            for number, handler in before.items():
                signal.signal(number, handler)
        sys.unraisablehook = hook
        _now.pop()


def deaf_at_exit() -> None:
    """Have signals ignored at the very end, when Python has taken back its handlers.

    Called early, since what is registered first is done last: till then they are heard.
    """
    atexit.register(
        lambda: [signal.signal(number, signal.SIG_IGN) for number in _STOPS]
    )


def _hold() -> None:
    """Let signals wait while a process forks.

    Its child could lose one that comes before its handlers are gone, and never end.
    """
    _held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS) if _now else None


def _release() -> None:
    if _held.mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, _held.mask)


def _forget() -> None:
    for number in _STOPS:
        if isinstance(signal.getsignal(number), Stop):
            signal.signal(number, signal.SIG_DFL)
    _release()


_held = threading.local()
os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_forget)
