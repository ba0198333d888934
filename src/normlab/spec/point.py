"""A point of a sweep: one value for each swept setting, as part of a run's name."""

from __future__ import annotations

import json
import re
from hashlib import blake2b

Value = bool | int | float | str
SweepPoint = tuple[tuple[str, Value], ...]
"""Key with dots and value, in the order of the axes; empty without a sweep."""

_LONGEST = 40


def point_id(point: SweepPoint) -> str:
    """A point as a part of file names: `batch_size8`, and `-` between two.

    Example:
        >>> point_id((("recipe.batch_size", 8), ("recipe.momentum", 0.9)))
        'batch_size8-momentum0.9'
    """
    names = [key.rpartition(".")[2] for key, _ in point]
    unique = len(set(names)) == len(names)
    return "-".join(
        f"{name if unique else key}{_file_safe(value)}"
        for name, (key, value) in zip(names, point, strict=True)
    )


def point_text(point: SweepPoint) -> str:
    """A point as a reader sees it.

    Example:
        >>> point_text((("recipe.batch_size", 8),))
        'batch_size 8'
    """
    return ", ".join(
        f"{key.rpartition('.')[2]} {value_text(value)}" for key, value in point
    )


def value_text(value: Value) -> str:
    """A value as study.toml writes it, a text without its quotes.

    Example:
        >>> value_text(True), value_text(0.5), value_text("cosine")
        ('true', '0.5', 'cosine')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else repr(value)


def _file_safe(value: Value) -> str:
    text = value_text(value)
    safe = re.sub(r"[^A-Za-z0-9_.+-]", "_", text)[:_LONGEST]
    # two texts may become one, also where files do not know upper from lower case
    if isinstance(value, str) and safe.lower() != text:
        safe += f"-{blake2b(text.encode(), digest_size=4).hexdigest()}"
    return safe


def point_json(point: SweepPoint) -> str:
    """A point as study.db keeps it; the same point always gives the same text."""
    return json.dumps(point)


def point_from_json(text: str) -> SweepPoint:
    """What `point_json` wrote."""
    return tuple((key, value) for key, value in json.loads(text))
