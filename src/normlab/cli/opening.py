"""Show a report in the user's browser."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING

from normlab.terminal.printing import complain

if TYPE_CHECKING:
    from pathlib import Path


def open_in_browser(path: Path) -> None:
    """Open a file as file:// and nothing else; say so where there is no browser."""
    try:
        opened = webbrowser.open(path.resolve().as_uri())
    except (OSError, webbrowser.Error):
        opened = False
    if not opened:
        complain(f"normlab: no browser was found; open it yourself: {path}")
