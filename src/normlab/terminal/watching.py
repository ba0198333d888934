"""Who watches a study: a live table, plain lines, or nobody."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.study.listener import Silent

if TYPE_CHECKING:
    from normlab.study.listener import ProgressListener

HOME = Path("normlab-runs")


def dated_folder(experiment: str) -> Path:
    """A folder that does not exist yet, named after the experiment and the moment."""
    wanted = HOME / f"{experiment}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder, attempt = wanted, 1
    while folder.exists():
        attempt += 1
        folder = wanted.with_name(f"{wanted.name}-{attempt}")
    return folder


@contextmanager
def watching(*, quiet: bool) -> Iterator[ProgressListener]:
    """The watcher that suits where the output goes; on exit it lets the screen go."""
    watcher = _watcher(quiet=quiet)
    try:
        yield watcher
    finally:
        watcher.ended()


def _watcher(*, quiet: bool) -> ProgressListener:
    if quiet:
        return Silent()
    if sys.stdout.isatty():
        from normlab.terminal.live import LiveProgress

        return LiveProgress()
    from normlab.terminal.lines import Lines

    return Lines()
