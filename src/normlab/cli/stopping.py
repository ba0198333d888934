"""How a command ends that is told to stop: by Ctrl-C, or by SIGTERM."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# 128 and the number of the signal, as shells say of whom it ended
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM


class Terminated(KeyboardInterrupt):
    """SIGTERM; whoever is at work keeps what there is, just as after Ctrl-C."""


def code_of(stop: KeyboardInterrupt) -> int:
    """The exit code: 143 after SIGTERM, 130 after Ctrl-C."""
    return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED


@contextmanager
def sigterm_stops() -> Iterator[None]:
    """Have SIGTERM raise `Terminated` in the body, as Ctrl-C raises its parent."""

    def stop(*_: object) -> None:
        # whoever sends it again may not tear up the keeping; SIGKILL is for that
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
