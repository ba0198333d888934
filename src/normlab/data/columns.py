"""Tables with a column of labels: CSV files and tables of pandas."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.data.assemble import Pair, Source
from normlab.data.names import LABELS
from normlab.errors import BadData
from normlab.spec.data import Axes

_WIDE = 50
_DELIMITERS = ",;\t"
_PIXEL = re.compile(r"(pixel|px|p)?[_ ]?\d+([x_]\d+)?", re.IGNORECASE)  # pixel0, 1x1
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


def read_columns(path: Path) -> Source:
    """A CSV file: a label and numbers in each line, with or without a header.

    The column of labels is called label, class or target or the like; else it is the
    only one of words; without a header, the first one before the pixels of a square
    picture.

    Raises:
        BadData: If a cell is missing or no number, or no column holds labels.
    """
    delimiter, header, first = _beginning(path)
    names = header or [f"column {i}" for i in range(1, len(first) + 1)]
    label, note = _label_column(names, first, header=bool(header), where=str(path))
    features = [i for i in range(len(names)) if i != label]
    if not features:
        raise BadData(f"{path} has a column of labels and no other.")
    skip = 1 if header else 0
    labels = _column(path, label, delimiter=delimiter, skip=skip)
    numbers = _numbers(path, features, names, delimiter=delimiter, skip=skip)
    axes = _picture([names[i] for i in features], numbers, header=bool(header))
    pair = Pair(numbers, labels, f"{path}", f"column {names[label]!r} of {path}")
    return Source(name=path.stem, train=pair, axes=axes, notes=note)


def is_wide(path: Path) -> bool:
    """Whether a table has so many columns of numbers that these are the examples."""
    try:
        first = _beginning(path)[2]
    except BadData:
        return False
    numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in first)
    return numbers > _WIDE and numbers >= len(first) - 1


def is_frame(given: Any) -> bool:
    """Whether it is a table of pandas, or one that does as these do."""
    return hasattr(given, "columns") and hasattr(given, "iloc")


def pair_of_frame(frame: Any, part: str) -> tuple[Pair, Axes | None, tuple[str, ...]]:
    """Features and labels of one table of pandas, by the names of its columns.

    Raises:
        BadData: If no column holds labels, or another one holds no numbers.
    """
    from normlab.data.items import as_array

    names = [str(name) for name in frame.columns]
    where = f"the {part} table"
    kinds = [getattr(kind, "kind", "O") for kind in frame.dtypes]
    first = ["0" if kind in "buif" else "word" for kind in kinds]
    label, note = _label_column(names, first, header=True, where=where)
    others = [i for i in range(len(names)) if i != label]
    numbers = as_array(frame.iloc[:, others]).reshape(len(frame), len(others))
    pair = Pair(
        numbers,
        np.asarray(frame.iloc[:, label]),
        images_where=where,
        labels_where=f"column {names[label]!r} of {where}",
    )
    axes = _picture([names[i] for i in others], numbers, header=True)
    return pair, axes, note


def _beginning(path: Path) -> tuple[str, list[str], list[str]]:
    """The delimiter, the header if there is one, and the first line of cells."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            start = file.readline()
            delimiter = max(_DELIMITERS, key=start.count)
            rows = csv.reader([start, file.readline()], delimiter=delimiter)
            lines = [row for row in rows if row]
    except UnicodeDecodeError:
        raise BadData(f"{path} is no text in UTF-8. Save the table again.") from None
    except csv.Error as error:
        raise BadData(f"{path} is no table ({error}). Save it again.") from None
    if not lines or len(lines[0]) < 2:
        raise BadData(
            f"{path} holds no table of several columns. Separate them by commas, a "
            "line for each example."
        )
    header = _is_header(lines[0], lines[-1])
    if header and len(lines) < 2:
        raise BadData(f"{path} holds a header and no examples. Add some.")
    return delimiter, lines[0] if header else [], lines[-1]


def _is_header(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether the first line names the columns, be it by numbers."""
    words = [not _NUMBER.fullmatch(cell) for cell in first]
    below = [not _NUMBER.fullmatch(cell) for cell in second]
    named = any(cell.strip().lower() in LABELS for cell in first)
    above = any(w and not b for w, b in zip(words, below, strict=False))
    return all(words) or named or above


def _label_column(
    names: Sequence[str], first: Sequence[str], *, header: bool, where: str
) -> tuple[int, tuple[str, ...]]:
    lower = [name.strip().lower() for name in names]
    if header:
        for word in LABELS:
            if word in lower:
                return lower.index(word), ()
    words = [i for i, cell in enumerate(first) if not _NUMBER.fullmatch(cell)]
    if len(words) == 1:
        return words[0], (f"{names[words[0]]!r}, of words, taken as the label",)
    if not header and not words and _side(len(first) - 1):
        side = _side(len(first) - 1)
        note = (
            f"the first column taken as the label, the others as {side} x {side} pixels"
        )
        return 0, (note,)
    shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    raise BadData(
        f"{where} has the columns {shown}, and it is not plain which holds the labels. "
        "Call it label, in the first line."
    )


def _column(path: Path, column: int, *, delimiter: str, skip: int) -> NDArray[Any]:
    """The labels: whole numbers if all of them are, else words."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file, delimiter=delimiter)
        for _ in range(skip):
            next(rows)
        cells = []
        for row in rows:
            if not row:
                continue
            if column >= len(row) or not row[column].strip():
                raise BadData(
                    f"{path} has no label in line {rows.line_num}. Leave it out."
                )
            cells.append(row[column].strip())
    numbers = all(map(_NUMBER.fullmatch, cells))
    return np.array(cells, np.float64) if numbers else np.array(cells)


def _numbers(
    path: Path,
    columns: Sequence[int],
    names: Sequence[str],
    *,
    delimiter: str,
    skip: int,
) -> NDArray[np.float64]:
    try:
        return np.loadtxt(
            path,
            delimiter=delimiter,
            skiprows=skip,
            usecols=list(columns),
            quotechar='"',
            comments=None,
            ndmin=2,
            encoding="utf-8-sig",
        )
    except ValueError as error:
        raise BadData(_bad_cell(path, columns, names, error)) from None


def _bad_cell(
    path: Path, columns: Sequence[int], names: Sequence[str], error: ValueError
) -> str:
    """What NumPy says of a cell, with the name of its column."""
    found = re.search(
        r"could not convert string '(.*)' to \w+ at row (\d+)", str(error)
    )
    if found is None:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        return f"{path} is no table of numbers ({reason}). Save it again."
    cell, row = found.groups()
    at = re.search(r"column (\d+)", str(error))
    number = int(at.group(1)) - 1 if at else len(names)
    column = f", column {names[number]!r}" if number < len(names) else ""
    what = f"holds {cell!r}, no number," if cell.strip() else "has an empty cell"
    return (
        f"{path} {what} in example {int(row)}{column}. Give numbers in all columns but "
        "the label's; leave others out."
    )


def _picture(
    names: Sequence[str], numbers: NDArray[Any], *, header: bool
) -> Axes | None:
    """Grey pictures, if the columns are called pixels and fill a square."""
    named = all(map(_PIXEL.fullmatch, names)) if header else True
    whole = numbers.size and numbers.min() >= 0 and numbers.max() <= 255
    return "hw" if named and whole and _side(len(names)) else None


def _side(columns: int) -> int:
    """Pixels a side of a square picture of so many; 0 if there is none, or a tiny."""
    side = isqrt(columns)
    return side if side >= 4 and side**2 == columns else 0
