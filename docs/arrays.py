"""Write the tables of arrays.md from what the probes' classes say of their fields.

    python docs/arrays.py

What stands between the two marks of the page is replaced.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

from marks import filled

from normlab.records.observed.contract import Arrays
from normlab.records.observed.registry import PROBES

PAGE = Path(__file__).with_suffix(".md")


def table(kind: type[Arrays], prefix: str = "") -> Iterator[str]:
    """What a class is, and a row for each of its arrays."""
    yield from ("", inspect.getdoc(kind) or "", "")
    yield "| array | axes | type | unit | what it is |"
    yield "|---|---|---|---|---|"
    for name, known in kind.known().items():
        unread = (
            f"; read by nothing yet, kept for {known.unread}" if known.unread else ""
        )
        cells = known.axes, known.dtype, known.unit, known.meaning + unread
        yield f"| `{prefix}{name}` | {' | '.join(cells)} |"


def tables() -> str:
    """A section for each probe."""
    lines: list[str] = []
    for probe in PROBES:
        lines += ["", f"## {probe.probe}.npz", *table(probe)]
        for kind in probe.kinds().values():
            lines += table(kind, "NNN:path:")
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with its tables as they are now."""
    return filled(text, "arrays", tables())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
