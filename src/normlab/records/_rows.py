"""The rows of study.db, checked where they are read: a cell of another type is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from normlab.foreign import brief
from normlab.records._trouble import Odd

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_MOST = 2**53  # whole numbers that every part of the analysis can count with
_ROW = 8  # bytes that any row takes in the file at least


class ColumnKind(NamedTuple):
    """What a column may hold."""

    types: tuple[type, ...]
    words: str


_WHOLE = ColumnKind((int,), "a whole number from 0")
_NUMBER = ColumnKind((float, int), "a number")
_TEXT = ColumnKind((str,), "text")
_BYTES = ColumnKind((bytes,), "bytes")


def _or_nothing(kind: ColumnKind) -> ColumnKind:
    return ColumnKind((*kind.types, type(None)), kind.words)


TABLES: Mapping[str, Mapping[str, ColumnKind]] = {
    "meta": {"key": _TEXT, "value": _TEXT},
    "measurements": {"name": _TEXT, "value": _TEXT},
    "runs": {
        "run": _WHOLE,
        "arm": _TEXT,
        "rate": _NUMBER,
        "seed": _WHOLE,
        "status": _TEXT,
        "reason": _or_nothing(_TEXT),
        "attempts": _WHOLE,
        "parameters": _or_nothing(_WHOLE),
        "init_digest": _or_nothing(_TEXT),
        "batch_digest": _or_nothing(_TEXT),
        "tensor_digests": _TEXT,
        "correct": _or_nothing(_BYTES),
        "images": _or_nothing(_WHOLE),
        "diverged_step": _or_nothing(_WHOLE),
        "test_loss": _or_nothing(_NUMBER),
        "test_accuracy": _or_nothing(_NUMBER),
        "seconds": _or_nothing(_NUMBER),
        "point": _TEXT,
    },
    "epochs": {
        "run": _WHOLE,
        "epoch": _WHOLE,
        "last_step": _WHOLE,
        "train_loss": _or_nothing(_NUMBER),
        "test_loss": _or_nothing(_NUMBER),
        "test_accuracy": _or_nothing(_NUMBER),
        "metrics": _TEXT,
        "seconds": _NUMBER,
        "batch_digest": _TEXT,
    },
    "glimpses": {
        "run": _WHOLE,
        "step": _WHOLE,
        "loss": _or_nothing(_NUMBER),
        "accuracy": _or_nothing(_NUMBER),
    },
    "steps": {
        "run": _WHOLE,
        "first": _WHOLE,
        "last": _WHOLE,
        "losses": _BYTES,
        "seconds": _NUMBER,
    },
}


class _Places(NamedTuple):
    """Where a row has what is checked cell by cell."""

    whole: tuple[int, ...]
    """Numbers."""
    long: tuple[int, ...]
    """Texts and bytes."""

    @classmethod
    def of(cls, types: tuple[type, ...]) -> _Places:
        """Those of a row of such cells."""
        long = tuple(i for i, kind in enumerate(types) if kind in (str, bytes))
        return cls(tuple(i for i, kind in enumerate(types) if kind is int), long)


class Rows:
    """Reads tables of one study.db, no more of them than the file can hold.

    A damaged or prepared file may give the same page a thousand times; each row and
    each text is counted against the size of the file.

    Args:
        connection: To the database, in one transaction.
        folder: Of the study.
    """

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self._left = bytes_of(folder)

    def of(self, table: str, order: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a table, columns as in `TABLES`.

        Raises:
            Odd: If a cell is not of its column's type.
        """
        columns = list(TABLES[table])
        asked = ", ".join(self._expression(table, name) for name in columns)
        sound: dict[tuple[type, ...], _Places] = {}  # nearly all rows are alike
        for row in self._connection.execute(
            f"SELECT {asked} FROM {table} ORDER BY {order}"
        ):
            types = tuple(map(type, row))
            if types not in sound:
                self._check_types(table, row)
                sound[types] = _Places.of(types)
            whole, long = sound[types]
            self._left -= _ROW + sum([len(row[i]) for i in long])
            if self._left < 0:
                raise Odd(f"table {table} gives more than the file can hold")
            for i in whole:
                if not 0 <= row[i] <= _MOST:
                    raise odd(table, columns[i], row[i], _WHOLE.words)
            yield row

    def _expression(self, table: str, column: str) -> str:
        if (table, column) != ("runs", "point"):
            return column
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        return column if version > 1 else "'[]'"  # schema 1 knows no sweeps

    def _check_types(self, table: str, row: tuple[Any, ...]) -> None:
        for (name, kind), cell in zip(TABLES[table].items(), row, strict=True):
            if type(cell) not in kind.types:
                raise odd(table, name, cell, kind.words)


def bytes_of(folder: Path) -> int:
    """Bytes of study.db and its log."""
    size = 0
    for name in ("study.db", "study.db-wal"):
        try:
            size += (folder / name).lstat().st_size
        except FileNotFoundError:
            continue
    return size


def odd(table: str, column: str, cell: object, wanted: str) -> Odd:
    """What to raise about a cell."""
    return Odd(f"table {table}, column {column}: {brief(cell)} is not {wanted}")


def decoded(
    table: str, column: str, text: str, wanted: str, fits: Callable[[Any], bool]
) -> Any:
    """What a text of JSON says.

    Raises:
        Odd: If it is no JSON, or not what is wanted.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # also whole numbers of too many digits
        raise odd(table, column, text, wanted) from None
    if not fits(value):
        raise odd(table, column, text, wanted)
    return value


def is_number(value: object) -> bool:
    """A float, or a whole number that becomes one; no truth value."""
    return type(value) is float or (type(value) is int and abs(value) <= _MOST)


def maps_to(value: object, fits: Callable[[Any], bool]) -> bool:
    """Whether JSON gave an object all of whose values are of a kind."""
    return isinstance(value, dict) and all(map(fits, value.values()))
