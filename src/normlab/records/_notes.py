"""Notes in the database: a row of `measurements` for each run that has any.

One row for all of a study would be read and written anew, whole, with each note.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from normlab.records.rows import NOTES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

_OF = f"{NOTES}/"


def put(connection: sqlite3.Connection, run_id: str, text: str) -> None:
    """Note one more thing of a run; the same again changes nothing."""
    asked = "SELECT value FROM measurements WHERE name = ?"
    found = connection.execute(asked, (f"{_OF}{run_id}",)).fetchone()
    noted = {**(json.loads(found[0]) if found else {}), text: run_id}
    connection.execute(
        "INSERT OR REPLACE INTO measurements VALUES (?, ?)",
        (f"{_OF}{run_id}", json.dumps(noted, sort_keys=True)),
    )


def forget(connection: sqlite3.Connection, run_id: str) -> None:
    """Forget what is noted of a run."""
    _split(connection)
    connection.execute("DELETE FROM measurements WHERE name = ?", (f"{_OF}{run_id}",))


def copy(source: sqlite3.Connection, into: sqlite3.Connection, run_id: str) -> None:
    """Note of a run what another folder's database says of it."""
    asked = "SELECT value FROM measurements WHERE name = ?"
    for (value,) in source.execute(asked, (f"{_OF}{run_id}",)):
        for text in json.loads(value):
            put(into, run_id, text)


def gathered(measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Measurements by name, the notes of all runs as one: each text with their ids."""
    found = {name: of for name, of in measured.items() if not holds_notes(name)}
    if len(found) < len(measured):
        notes = (of for name, of in measured.items() if holds_notes(name))
        ids = _by_text(pair for of in notes for pair in of.items())
        found[NOTES] = {text: " ".join(sorted(ids[text])) for text in sorted(ids)}
    return found


def holds_notes(name: str) -> bool:
    """Whether a measurement of this name is of notes: of one run, or as it once was."""
    return name == NOTES or name.startswith(_OF)


def _by_text(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for text, those in pairs:
        ids.setdefault(text, set()).update(those.split())
    return ids


def _split(connection: sqlite3.Connection) -> None:
    """Give each run its row where an earlier version kept one for all."""
    asked = "SELECT value FROM measurements WHERE name = ?"
    found = connection.execute(asked, (NOTES,)).fetchone()
    if not found:
        return
    for text, ids in json.loads(found[0]).items():
        for run_id in ids.split():
            put(connection, run_id, text)
    connection.execute("DELETE FROM measurements WHERE name = ?", (NOTES,))
