"""A run's rows, from one database to another of the same study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.records._rows import TABLES
from normlab.records._trouble import Odd

if TYPE_CHECKING:
    import sqlite3

_IDENTITY = ("arm", "rate", "seed", "point")


def copy_run(
    source: sqlite3.Connection,
    into: sqlite3.Connection,
    identity: tuple[str, float, int, str],
    row: int,
) -> None:
    """Give a run what another database says of it, in place of what was there.

    Args:
        source: Where it is copied from.
        into: Where to, in a transaction.
        identity: Arm, rate, seed and point, as both databases keep them.
        row: The run's number in `into`.

    Raises:
        Odd: If it is not there.
    """
    where = " AND ".join(f"{name} = ?" for name in _IDENTITY)
    said = [n for n in TABLES["runs"] if n not in ("run", *_IDENTITY)]
    asked = f"SELECT run, {', '.join(said)} FROM runs WHERE {where}"
    found = source.execute(asked, identity).fetchone()
    if found is None:  # a damaged index has lost what its table holds
        raise Odd("a run is there and cannot be found")
    number, *values = found
    given = ", ".join(f"{name} = ?" for name in said)
    into.execute(f"UPDATE runs SET {given} WHERE run = ?", (*values, row))
    for table in ("epochs", "glimpses", "steps"):
        names = [name for name in TABLES[table] if name != "run"]
        into.execute(f"DELETE FROM {table} WHERE run = ?", (row,))
        asked = f"SELECT {', '.join(names)} FROM {table} WHERE run = ? ORDER BY 1"
        rows = source.execute(asked, (number,))
        places = ", ".join("?" * (1 + len(names)))
        into.executemany(
            f"INSERT INTO {table} (run, {', '.join(names)}) VALUES ({places})",
            ((row, *values) for values in rows),
        )
