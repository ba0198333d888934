"""Decimals that a number of 64 bits cannot hold are refused, not changed."""

from __future__ import annotations

import sys
from math import isinf
from typing import Any


def faithful(value: Any) -> Any:
    """The value, unless as a float it would become 0 or infinite.

    Args:
        value: A number, or one as it is typed. What is no number passes: whoever
            knows the key refuses it.

    Raises:
        ValueError: It is too close to 0, or too large; the text says so.

    Example:
        >>> faithful("1e-5"), faithful("0e-400")
        ('1e-5', '0e-400')
    """
    try:
        read = float(value)
    except OverflowError:  # an integer
        raise ValueError(_TOO_LARGE) from None
    except (TypeError, ValueError):
        return value
    if read == 0 and not _is_zero(value):
        raise ValueError(_TOO_SMALL)
    if isinf(read) and not _says_infinite(value):
        raise ValueError(_TOO_LARGE)
    return value


_TOO_SMALL = (
    "is too close to 0 for a number of 64 bits, which would be 0. Write at least "
    f"{sys.float_info.min:.1e}, or 0."
)
_TOO_LARGE = (
    f"is too large for a number of 64 bits. {sys.float_info.max:.1e} is the largest."
)


def _is_zero(value: Any) -> bool:
    if not isinstance(value, str):
        return value == 0
    digits, _, _ = value.lower().partition("e")
    return not any(digit.isdecimal() and int(digit) for digit in digits)


def _says_infinite(value: Any) -> bool:
    return "inf" in value.lower() if isinstance(value, str) else True
