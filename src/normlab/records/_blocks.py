"""Step losses in the database: blocks of successive steps as float32 bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from normlab.records._rows import odd

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FLOAT = np.dtype("<f4")
_HOLES = 4  # times the steps that are there may be missing
_FEW = 10_000


class StepBlock(NamedTuple):
    """The losses of the steps `first` to `last`, both included, and their seconds."""

    first: int
    last: int
    losses: bytes
    seconds: float

    @property
    def is_whole(self) -> bool:
        """Whether there is one loss for each of its steps."""
        steps = self.last - self.first + 1
        return (
            1 <= self.first <= self.last and len(self.losses) == steps * _FLOAT.itemsize
        )

    def part(self, first: int, last: int) -> StepBlock:
        """Some of its steps, with their share of the seconds."""
        low, high = (first - self.first), (last - self.first + 1)
        share = (high - low) / (self.last - self.first + 1)
        losses = self.losses[low * _FLOAT.itemsize : high * _FLOAT.itemsize]
        return StepBlock(first, last, losses, self.seconds * share)


def put(
    connection: sqlite3.Connection,
    run: int,
    *,
    first: int,
    losses: NDArray[np.float32],
    seconds: float,
) -> None:
    """Keep the losses of steps `first`, `first` + 1, ... in place of any older ones."""
    last = first + losses.size - 1
    cut(connection, run, first=first, last=last)
    data = np.ascontiguousarray(losses, dtype=_FLOAT).tobytes()
    _insert(connection, run, StepBlock(first, last, data, seconds))


def cut(connection: sqlite3.Connection, run: int, *, first: int, last: int) -> None:
    """Forget the losses of steps `first` to `last`; a block may be cut in two."""
    rows = connection.execute(
        "SELECT first, last, losses, seconds FROM steps "
        "WHERE run = ? AND last >= ? AND first <= ?",
        (run, first, last),
    ).fetchall()
    for block in map(StepBlock._make, rows):
        connection.execute(
            "DELETE FROM steps WHERE run = ? AND first = ?", (run, block.first)
        )
        if block.first < first:
            _insert(connection, run, block.part(block.first, first - 1))
        if block.last > last:
            _insert(connection, run, block.part(last + 1, block.last))


def joined(blocks: Sequence[StepBlock]) -> NDArray[np.float32]:
    """The losses of all steps from the first; blocks in ascending order.

    Raises:
        Odd: If far more steps are missing than there are.
    """
    if not blocks:
        return np.empty(0, dtype=np.float32)
    held = sum(len(block.losses) for block in blocks) // _FLOAT.itemsize
    if blocks[-1].last > _HOLES * held + _FEW:
        raise odd("steps", "last", blocks[-1].last, f"a step after {held:,} losses")
    # a step that nobody reported is a hole, not a shift of all later ones
    losses = np.full(blocks[-1].last, np.nan, dtype=np.float32)
    for block in blocks:
        losses[block.first - 1 : block.last] = np.frombuffer(block.losses, _FLOAT)
    return losses


def _insert(connection: sqlite3.Connection, run: int, block: StepBlock) -> None:
    connection.execute("INSERT INTO steps VALUES (?, ?, ?, ?, ?)", (run, *block))
