"""Rows of text in columns that stay aligned in any log."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from normlab.foreign import plain


def columns(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[str] = (),
) -> str:
    """Align rows under their head, two spaces apart.

    Args:
        head: The name of each column.
        rows: As many cells each as there are names.
        right: Names of the columns whose cells end at the same place: numbers.

    What a cell holds takes one line: line ends in it are escaped.

    Example:
        >>> print(columns(("arm", "epoch"), [("none", "1")], right=["epoch"]))
        arm   epoch
        none      1
    """
    lines = [[plain(cell) for cell in line] for line in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = [
        [
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(line, widths, head, strict=True)
        ]
        for line in lines
    ]
    return "\n".join("  ".join(cells).rstrip() for cells in aligned)
