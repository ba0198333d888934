"""Lines of text with a style, seen where a terminal has colours."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from normlab.foreign import plain
from normlab.terminal.printing import say


class Line(NamedTuple):
    """What stands on one line, or on several if it was wrapped."""

    text: str
    style: str = ""
    """As rich spells it: `bold`, `green`; empty for none."""


Block = Sequence[Line]
"""Lines that stand together; an empty one between blocks."""


def block(*texts: str) -> Block:
    """A block without styles, of the texts that are not empty."""
    return [Line(text) for text in texts if text]


def joined(blocks: Iterable[Block]) -> str:
    r"""The blocks as plain text.

    Example:
        >>> joined([[Line("a", "bold"), Line("b")], [], [Line("c")]])
        'a\nb\n\nc'
    """
    parts = ("\n".join(line.text for line in lines) for lines in blocks if lines)
    return "\n\n".join(parts)


def put(blocks: Sequence[Block]) -> None:
    """Print the blocks: with their styles on a terminal, else as plain text."""
    if not sys.stdout.isatty():
        say(f"\n{joined(blocks)}")
        return
    from rich.console import Console
    from rich.text import Text

    # it knows NO_COLOR and terminals without colours
    console = Console(highlight=False, soft_wrap=True)
    for lines in filter(None, blocks):
        console.print()
        for text, style in lines:
            console.print(Text(plain(text, keep="\n"), style=style))
