"""How a command ends that is told to stop: by Ctrl-C, SIGTERM or a lost terminal."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# what `kill`, `timeout` and batch systems send, and a terminal that is closed
_STOPS = (signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """A signal; whoever is at work keeps what there is, just as after Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def code_of(stop: KeyboardInterrupt) -> int:
    """The exit code, 128 and the signal's number: 130 after Ctrl-C.

    Example:
        >>> code_of(KeyboardInterrupt()), code_of(Stopped(signal.SIGTERM))
        (130, 143)
    """
    return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)


@contextmanager
def signals_stop() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise `Stopped` in the body, as Ctrl-C its parent.

    One that is ignored, as under `nohup`, stays so.
    """

    def stop(number: int, _: object) -> None:
        # whoever sends it again may not tear up the keeping; SIGKILL is for that
        signal.signal(number, signal.SIG_IGN)
        raise Stopped(number)

    before = {number: signal.getsignal(number) for number in _STOPS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
