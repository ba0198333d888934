"""What lies below a folder, however deep, without following a link."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def entries(
    folder: Path, enter: Callable[[os.DirEntry[str]], bool] = lambda _: True
) -> Iterator[os.DirEntry[str]]:
    """Every file and folder below, each folder's by name, those above first.

    What cannot be looked into is passed over. Without recursion: folders may be
    nested more deeply than Python calls can be.

    Args:
        folder: Where to look.
        enter: Which folders to look into.
    """
    waiting = [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                here = sorted(found, key=lambda entry: entry.name)
        except OSError:
            continue
        yield from here
        inner = (e for e in here if e.is_dir(follow_symlinks=False) and enter(e))
        waiting.extend(entry.path for entry in reversed(list(inner)))
