"""What a study noted about its data when it began."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTED = "data"
"""The fact of a study that describes its data, as JSON."""
_MOST = 2**63


def noted_data(meta: Mapping[str, str]) -> dict[str, Any]:
    """The description, of plain values; empty of a study that did not note any.

    `line` says all of it in words; `parts` has the examples of each class by part;
    `copies` lists what is in two parts at once, each with a `text`.

    Example:
        >>> noted_data({"data": '{"line": "mnist: ..."}'})["line"], noted_data({})
        ('mnist: ...', {})
    """
    return json.loads(meta.get(NOTED, "{}"))


def is_description(value: object) -> bool:
    """Whether JSON gave what a study notes about its data; checked when it is read."""
    if not isinstance(value, dict) or not isinstance(value.get("line", ""), str):
        return False
    copies, parts = value.get("copies", []), value.get("parts", {})
    if not isinstance(parts, dict) or not all(map(_are_counts, parts.values())):
        return False
    return isinstance(copies, list) and all(
        isinstance(pair, dict) and isinstance(pair.get("text", ""), str)
        for pair in copies
    )


def _are_counts(value: object) -> bool:
    """Whether they may say how many examples each class has; there is one or more."""
    if not isinstance(value, list) or not all(type(n) is int for n in value):
        return False
    return all(0 <= n < _MOST for n in value) and any(value)


def data_line(meta: Mapping[str, str]) -> str:
    """The data in one line; empty of a study that did not note it."""
    return str(noted_data(meta).get("line", ""))


def copies_text(meta: Mapping[str, str]) -> str:
    """What was tested on or chosen by, and is in another part as well; maybe empty."""
    copies = noted_data(meta).get("copies", [])
    return "; ".join(pair["text"] for pair in copies if "text" in pair)
