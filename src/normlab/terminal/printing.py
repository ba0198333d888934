"""What is printed, and nothing that a stranger's name or reason could command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.foreign import plain

if TYPE_CHECKING:
    from typing import TextIO

STANDARD = Path("-")
"""Typed for standard output."""


def say(text: str, *, to: TextIO | None = None) -> None:
    """Print lines, at once, with everything escaped that steers a terminal.

    A single foreign text must be escaped before it is among the lines: here its line
    ends would pass for ours.
    """
    print(plain(text, keep="\n"), file=to, flush=True)


def complain(line: str) -> None:
    """Print one line where errors go."""
    print(plain(line), file=sys.stderr, flush=True)


def put_out(content: bytes) -> None:
    """Write a whole file to standard output, for `-o -`."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
