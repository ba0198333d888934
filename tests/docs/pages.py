"""The pages of the documents, and what stands in their boxes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


class Box(NamedTuple):
    """A box of a page: its language, and its text."""

    language: str
    text: str


def boxes(text: str, *languages: str) -> list[Box]:
    """All boxes in these languages, in the order of the page."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Box(*box) for box in found if box[0] in languages]
