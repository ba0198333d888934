"""What fits on a page: wrapped lines, and a few of many."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import TextWrapper
from typing import TypeVar

WIDTH = 79  # columns of a terminal that every text but a table's rows keeps to

T = TypeVar("T")
_HARD = "\N{NO-BREAK SPACE}"


def wrapped(text: str, indent: str = "  ") -> str:
    """The text in lines of `WIDTH` columns; a longer word, such as a path, stays whole.

    Args:
        text: Its own indent is that of every line.
        indent: What further lines have more.
    """
    start = text[: len(text) - len(text.lstrip())]
    wrapper = TextWrapper(
        width=WIDTH,
        initial_indent=start,
        subsequent_indent=start + indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.fill(text.strip())


def wrapped_between(parts: Sequence[str], between: str, *, start: str = "") -> str:
    """Parts that are told apart by blanks, in lines that break between them alone."""
    whole = between.join(part.replace(" ", _HARD) for part in parts)
    return wrapped(start + whole, indent="").replace(_HARD, " ")


def spread(things: Sequence[T], most: int) -> list[T]:
    """At most so many of them, the first and the last among them.

    Example:
        >>> spread([0, 1, 2, 3, 4, 5], 3)
        [0, 2, 5]
    """
    if len(things) <= most:
        return list(things)
    apart = (len(things) - 1) / max(1, most - 1)
    return [things[round(i * apart)] for i in range(most)]
