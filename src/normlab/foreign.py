"""What somebody else wrote, made fit to be shown: escaped and abridged."""

from __future__ import annotations

import unicodedata

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's categories of what commands a terminal or cannot be seen."""


def plain(text: str, *, keep: str = "") -> str:
    r"""The text with everything escaped that steers a terminal or hides in it.

    Args:
        text: Names, reasons and paths from a file that others may have made.
        keep: Characters that stay as they are all the same, such as a line's end.

    Example:
        >>> print(plain("\x1b[2Jall claims hold\u202e"), plain("größer"))
        \x1b[2Jall claims hold\u202e größer
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character in keep or unicodedata.category(character) not in _HIDDEN
        else character.encode("ascii", "backslashreplace").decode()
        if ord(character) > 127
        else repr(character)[1:-1]
        for character in text
    )


def brief(value: object, most: int = 60) -> str:
    r"""A value in one short line: escaped, and without its middle where it is long.

    Example:
        >>> print(brief("a" * 1000, most=20), brief("\n"), brief(0.5))
        'aaaaaaa...aaaaaaaa' '\n' 0.5
    """
    if isinstance(value, str):
        text = repr(shortened(value, 2 * most))
    elif isinstance(value, bytes):
        text = f"{len(value):,} bytes"
    elif isinstance(value, int) and value.bit_length() > 64:
        text = f"a number of {value.bit_length():,} bits"  # its digits cost time
    else:
        text = repr(value)
    return shortened(plain(text), most)


def shortened(text: str, most: int) -> str:
    """The text without its middle where it is longer than `most` characters.

    Example:
        >>> shortened("abcdefghij", 7), shortened("abc", 7)
        ('ab...ij', 'abc')
    """
    if len(text) <= most:
        return text
    head = (most - 3) // 2
    return f"{text[:head]}...{text[len(text) - (most - 3 - head) :]}"
