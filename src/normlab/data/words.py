"""Numbers and names as they stand in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

_NAMED = 3  # names in a sentence


def counted(count: int, noun: str) -> str:
    """A number and its noun.

    Example:
        >>> counted(1, "image"), counted(2000, "image")
        ('1 image', '2,000 images')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def few(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are.

    Example:
        >>> few("abc"), few("abcde")
        ('a, b, c', 'a, b, c and 2 more')
    """
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def type_of(values: NDArray[Any]) -> str:
    """What an array is made of."""
    return "Python objects" if values.dtype.hasobject else f"{values.dtype}"
