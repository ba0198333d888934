"""Tables of text: CSV and the like, cell by cell."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from normlab.errors import BadData

SUFFIXES = (".csv", ".tsv")
WIDE = 50
"""Columns from which on a table rather holds the pixels themselves."""

_MARKS = ",;\t"
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


def is_number(cell: str) -> bool:
    """Whether a cell is written like a number.

    Example:
        >>> [is_number(cell) for cell in ("7", " -1.5e3", "7a", "nan", "")]
        [True, True, False, False, False]
    """
    return _NUMBER.fullmatch(cell) is not None


def filled(lines: Iterable[str]) -> tuple[Iterator[str], str]:
    """The lines that are not empty, and what stands between the first one's cells.

    Example:
        >>> lines, mark = filled(["", "a;b", "1;2"])
        >>> list(lines), mark
        (['a;b', '1;2'], ';')
    """
    rest = (line for line in lines if line.strip())
    first = next(rest, "")
    return chain([first], rest), max(_MARKS, key=first.count)


def rows_of(path: Path) -> Iterator[list[str]]:
    """The cells of each line, without spaces around them; empty lines are left out.

    Commas, semicolons or tabs stand between them, whichever is most in the first line.

    Raises:
        BadData: If it is no text in UTF-8, or no table.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines, mark = filled(file)
            for row in csv.reader(lines, delimiter=mark):
                if any(row):
                    yield [cell.strip() for cell in row]
    except (UnicodeDecodeError, csv.Error) as error:
        why = "not in UTF-8" if isinstance(error, UnicodeDecodeError) else error
        raise BadData(
            f"{path} is no table that can be read ({why}). Save it as CSV in UTF-8."
        ) from None
