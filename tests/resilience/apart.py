"""Runs a function in a child of its own, with limits, and says how it ended."""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

_SPACE = 8 << 30
"""Bytes of address space beyond those at the start: nothing fills the machine."""


class Ended(NamedTuple):
    """How a child ended."""

    value: Any
    """What the function gave; None if it ended otherwise."""
    trouble: str
    """Empty, "hang", or the signal or the exception that ended it."""
    grown: int
    """Bytes of memory at its peak, beyond those that it began with."""
    seconds: float


def apart(function: Callable[[], Any], *, seconds: float) -> Ended:
    """Call a function in a forked child; kill it when the time is over."""
    read, write = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if not child:
        os.close(read)
        _serve(function, write)
    os.close(write)
    content, late = _received(read, began + seconds)
    os.close(read)
    if late:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    took = time.monotonic() - began
    if late:
        return Ended(None, "hang", 0, took)
    if not content:
        return Ended(None, f"ended with status {status}", 0, took)
    value, trouble, grown = pickle.loads(content)  # noqa: S301 - our own child's
    return Ended(value, trouble, grown, took)


def _received(pipe: int, until: float) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    while select.select([pipe], [], [], max(0, until - time.monotonic()))[0]:
        part = os.read(pipe, 1 << 16)
        if not part:
            return b"".join(parts), False
        parts.append(part)
    return b"", True


def _serve(function: Callable[[], Any], pipe: int) -> None:
    """The child's whole life: it never returns."""
    try:
        before = _peak(reset=True)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = resource.getpagesize() * pages + _SPACE
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        try:
            value, trouble = function(), ""
        except BaseException as error:
            value, trouble = None, f"{type(error).__name__}: {error}"[:2000]
        with os.fdopen(pipe, "wb") as stream:
            pickle.dump((value, trouble, _peak() - before), stream)
    finally:
        sys.stdout.flush()
        os._exit(0)


def _peak(*, reset: bool = False) -> int:
    """Bytes of memory at the peak; a forked child begins with its parent's."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text().splitlines()
    lines = dict(line.split(":", 1) for line in status)
    return 1024 * int(lines["VmHWM"].split()[0])
