"""Tables with a column of labels: CSV files and tables of pandas."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.data.assemble import Found, LabeledImages
from normlab.data.formats.cells import WIDE, filled, is_number, rows_of
from normlab.data.formats.names import LABELS
from normlab.data.words import few
from normlab.errors import BadData
from normlab.spec.data import Axes

_PIXEL = re.compile(r"(pixel|px|p)?[_ ]?\d+([x_]\d+)?", re.IGNORECASE)  # pixel0, 1x1
_COUNTERS = ("", "unnamed: 0", "id", "index", "row", "nr", "no", "column 1")
_LONG = 1000  # characters of a label at most
_EXACT = 2**53  # whole numbers up to here are all there in float64


def read_columns(path: Path) -> Found:
    """A CSV file: a label and numbers in each line, with or without a header.

    The column of labels is called label, class or target or the like; else it is the
    only one of words; without a header, the first one before the pixels of a square
    picture.

    Raises:
        BadData: If a cell is missing or no number, or no column holds labels.
    """
    header, first = _beginning(path)
    names = header or [f"column {i}" for i in range(1, len(first) + 1)]
    label, notes = _label_column(names, first, header=bool(header), where=str(path))
    features = [i for i in range(len(names)) if i != label]
    if not features:
        raise BadData(f"{path} has a column of labels and no other.")
    labels = _labels(path, label, header=bool(header))
    numbers = _numbers(path, features, names, header=bool(header))
    table = _Features([names[i] for i in features], numbers, header=bool(header))
    pair = LabeledImages(
        table.numbers, labels, f"{path}", f"column {names[label]!r} of {path}"
    )
    return Found(
        name=path.stem, train=pair, axes=table.axes, notes=(*notes, *table.notes)
    )


def is_wide(path: Path) -> bool:
    """Whether a table has so many columns of numbers that these are the examples."""
    try:
        _, first = _beginning(path)
    except BadData:
        return False
    numbers = sum(map(is_number, first))
    return numbers > WIDE and numbers >= len(first) - 1


def is_frame(given: Any) -> bool:
    """Whether it is a table of pandas, or one that does as these do."""
    return hasattr(given, "columns") and hasattr(given, "iloc")


def pair_of_frame(
    frame: Any, part: str
) -> tuple[LabeledImages, Axes | None, tuple[str, ...]]:
    """Features and labels of one table of pandas, by the names of its columns.

    Raises:
        BadData: If no column holds labels, or another one holds no numbers.
    """
    from normlab.data.items import as_array

    names = [str(name) for name in frame.columns]
    where = f"the {part} table"
    kinds = [getattr(kind, "kind", "O") for kind in frame.dtypes]
    first = ["0" if kind in "buif" else "word" for kind in kinds]
    label, notes = _label_column(names, first, header=True, where=where)
    others = [i for i in range(len(names)) if i != label]
    numbers = as_array(frame.iloc[:, others]).reshape(len(frame), len(others))
    table = _Features([names[i] for i in others], numbers, header=True)
    pair = LabeledImages(
        table.numbers,
        np.asarray(frame.iloc[:, label]),
        images_where=where,
        labels_where=f"column {names[label]!r} of {where}",
    )
    return pair, table.axes, (*notes, *table.notes)


def _beginning(path: Path) -> tuple[list[str], list[str]]:
    """The header if there is one, and the first line of cells below it."""
    rows = list(islice(rows_of(path), 2))
    if not rows or len(rows[0]) < 2:
        raise BadData(
            f"{path} holds no table of several columns. Separate them by commas, a "
            "line for each example."
        )
    header = _is_header(rows[0], rows[-1])
    if header and len(rows) < 2:
        raise BadData(f"{path} holds a header and no examples. Add some.")
    return rows[0] if header else [], rows[-1]


def _is_header(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether the first line names the columns, be it by numbers."""
    words = [not is_number(cell) for cell in first]
    below = [not is_number(cell) for cell in second]
    named = any(cell.lower() in LABELS for cell in first)
    above = any(w and not b for w, b in zip(words, below, strict=False))
    return all(words) or named or above


def _label_column(
    names: Sequence[str], first: Sequence[str], *, header: bool, where: str
) -> tuple[int, tuple[str, ...]]:
    lower = [name.strip().lower() for name in names]
    if header:
        found = [word for word in LABELS if word in lower]
        if found and lower.count(found[0]) > 1:
            raise BadData(
                f"{where} has {lower.count(found[0])} columns called {found[0]}. "
                "Leave one."
            )
        if found:
            label = lower.index(found[0])
            others = [names[lower.index(word)] for word in found[1:]]
            note = f"{names[label]!r} taken as the label, {few(others)} as a feature"
            return label, (note,) * bool(others)
    words = [i for i, cell in enumerate(first) if not is_number(cell)]
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


def _labels(path: Path, column: int, *, header: bool) -> NDArray[Any]:
    """Whole numbers if all are, or numbers, else words."""
    cells = []
    for number, row in enumerate(rows_of(path), 1):
        if header and number == 1:
            continue
        if column >= len(row) or not row[column]:
            raise BadData(f"{path} has no label in row {number}. Leave it out.")
        if (
            len(row[column]) > _LONG
        ):  # each name of an array takes as much as the longest
            raise BadData(
                f"{path} has a label of {len(row[column]):,} characters in row "
                f"{number}, and {_LONG} are the most. Shorten it."
            )
        cells.append(row[column])
    if all(map(_is_whole, cells)):
        whole = list(map(int, cells))
        # others are names: as floats two of them could become one
        held = min(whole) >= -(2**63) and max(whole) < 2**63
        return np.array(whole if held else cells)
    return (
        np.array(cells, np.float64) if all(map(is_number, cells)) else np.array(cells)
    )


def _is_whole(cell: str) -> bool:
    return re.fullmatch(r"[-+]?\d+", cell) is not None


def _numbers(
    path: Path, columns: Sequence[int], names: Sequence[str], *, header: bool
) -> NDArray[np.float64]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines, mark = filled(file)
            numbers = np.loadtxt(
                lines,
                delimiter=mark,
                skiprows=int(header),
                usecols=list(columns),
                quotechar='"',
                comments=None,
                ndmin=2,
            )
    except ValueError as error:
        raise BadData(_bad_cell(path, columns, names, error)) from None
    largest = np.abs(numbers).max(axis=0)
    for column in (columns[i] for i in np.flatnonzero(largest > _EXACT).tolist()):
        for row in islice(rows_of(path), int(header), None):
            if _is_whole(row[column]) and int(row[column]) != float(row[column]):
                raise BadData(
                    f"column {names[column]!r} of {path} holds {row[column]}, of which "
                    "the last digits would be lost. Subtract a constant before, or "
                    "leave it out."
                )
    return numbers


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


class _Features:
    """The columns beside the label's, without one that only counts the rows."""

    def __init__(
        self, names: Sequence[str], numbers: NDArray[Any], *, header: bool
    ) -> None:
        rows = np.arange(len(numbers))
        counters = [
            i
            for i, name in enumerate(names)
            if name.strip().lower() in _COUNTERS
            and len(rows) > 1
            and any(np.array_equal(numbers[:, i], rows + first) for first in (0, 1))
        ]
        kept = [i for i in range(len(names)) if i not in counters]
        self.numbers = numbers[:, kept] if counters and kept else numbers
        self.notes = tuple(
            f"column {names[i]!r} counts the rows and is passed over" for i in counters
        )
        self.axes: Axes | None = _picture(
            [names[i] for i in kept], self.numbers, header=header
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
