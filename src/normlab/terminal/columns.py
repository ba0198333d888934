"""Rows of text in columns that stay aligned in any log."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from normlab.analysis.text.layout import WIDTH
from normlab.foreign import plain

GAP = "  "  # between columns
Column = Sequence[str]


def columns(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[str] = (),
    keys: int = 1,
) -> str:
    """Align rows under their head, two spaces apart.

    Columns that do not fit a terminal beside each other stand below each other.

    Args:
        head: The name of each column.
        rows: As many cells each as there are names.
        right: Names of the columns whose cells end at the same place: numbers.
        keys: How many columns say what a row is about, and are said again below.

    What a cell holds takes one line: line ends in it are escaped.

    Example:
        >>> print(columns(("arm", "epoch"), [("none", "1")], right=["epoch"]))
        arm   epoch
        none      1
    """
    lines = [[plain(cell) for cell in line] for line in (head, *rows)]
    aligned = [_aligned(cells, cells[0] in right) for cells in zip(*lines, strict=True)]
    return "\n\n".join(map(_text, _groups(aligned, keys)))


def _aligned(cells: Sequence[str], right: bool) -> list[str]:
    width = max(map(len, cells))
    return [cell.rjust(width) if right else cell.ljust(width) for cell in cells]


def _groups(aligned: Sequence[Column], keys: int) -> Iterator[list[Column]]:
    """The columns in groups that fit, each behind those that say what it is about."""
    known, others = list(aligned[:keys]), aligned[keys:]
    group = list(known)
    for column in others:
        if len(group) > keys and _width([*group, column]) > WIDTH:
            yield group
            group = list(known)
        group.append(column)
    yield group


def _width(group: Sequence[Column]) -> int:
    return sum(len(column[0]) for column in group) + len(GAP) * (len(group) - 1)


def _text(group: Sequence[Column]) -> str:
    return "\n".join(GAP.join(line).rstrip() for line in zip(*group, strict=True))
