"""What a study noted about its data when it began."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTED = "data"
"""The fact of a study that describes its data, as JSON."""


def noted_data(meta: Mapping[str, str]) -> dict[str, Any]:
    """The description, of plain values; empty of a study that did not note any.

    `line` says all of it in words; `copies` lists what is in two parts at once, each
    with a `text`.

    Example:
        >>> noted_data({"data": '{"line": "mnist: ..."}'})["line"], noted_data({})
        ('mnist: ...', {})
    """
    return json.loads(meta.get(NOTED, "{}"))


def is_description(value: object) -> bool:
    """Whether JSON gave what a study notes about its data; checked when it is read."""
    if not isinstance(value, dict) or not isinstance(value.get("line", ""), str):
        return False
    copies = value.get("copies", [])
    return isinstance(copies, list) and all(
        isinstance(pair, dict) and isinstance(pair.get("text", ""), str)
        for pair in copies
    )


def data_line(meta: Mapping[str, str]) -> str:
    """The data in one line; empty of a study that did not note it."""
    return str(noted_data(meta).get("line", ""))


def copies_text(meta: Mapping[str, str]) -> str:
    """What was tested on or chosen by, and is in another part as well; maybe empty."""
    copies = noted_data(meta).get("copies", [])
    return "; ".join(pair["text"] for pair in copies if "text" in pair)
