"""Write the tables of norms.md from the objects of the norms.

    python docs/norms.py

What stands between the two marks of the page is replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from marks import filled

from normlab.spec.norms import FAMILIES, Norm, Option

PAGE = Path(__file__).with_suffix(".md")


def row(norm: Norm) -> str:
    """What it averages over and learns, and what it does on a surface."""
    options = ", ".join(f"`{o.name}` ({_default(o)})" for o in norm.options) or "-"
    name = f"`{norm.name}`"
    cells = name, norm.short, norm.over, norm.learns, options, norm.under
    return f"| {' | '.join(cells)} |"


def _default(option: Option) -> str:
    return "auto" if option.default is None else f"{option.default:g}"


def options() -> Iterator[str]:
    """A row for each number that can be set."""
    for norm in FAMILIES.values():
        for option in norm.options:
            kind = "whole number" if option.whole else "number"
            limits = f"{kind}, {option.least:g} to {option.most:,.0f}"
            default = _default(option)
            cells = f"`{norm.name}({option.name}=...)`", default, limits, option.words
            yield f"| {' | '.join(cells)} |"


def content() -> str:
    """Both tables."""
    return "\n".join(
        (
            "| `--norm` | what it is | statistics of one value of an image "
            "`(n, c, h, w)` over | learns | options | under the statistics of a "
            "[surface](statistics.md) |",
            "|---|---|---|---|---|---|",
            *map(row, FAMILIES.values()),
            "",
            "| option | default | takes | meaning |",
            "|---|---|---|---|",
            *options(),
        )
    )


def page(text: str) -> str:
    """The page with its tables as they are now."""
    return filled(text, "norms", content())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
