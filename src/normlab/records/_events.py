"""What each event of a run leaves in study.db."""

from __future__ import annotations

import json
import sqlite3
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from normlab.records import _blocks
from normlab.records.events import (
    ENDS,
    Diverged,
    EpochDone,
    Event,
    Failed,
    Finished,
    InterimEval,
    Started,
    Steps,
)


@singledispatch
def keep(event: Event, row: int, run: sqlite3.Connection) -> None:
    """Keep what a run reports; again, it replaces what it said before.

    Args:
        event: Any but `Observed` and `Noted`, which lie elsewhere.
        row: Number of the run.
        run: Of study.db, in a transaction.

    Raises:
        TypeError: If it is another.
    """
    raise TypeError(f"{type(event).__name__} is no event of a run")


@keep.register
def _(event: Started, row: int, run: sqlite3.Connection) -> None:
    run.execute(
        "UPDATE runs SET status = 'running', parameters = ?, init_digest = ?, "
        "tensor_digests = ? WHERE run = ?",
        (
            event.parameters,
            event.init_digest,
            json.dumps(dict(event.tensor_digests)),
            row,
        ),
    )


@keep.register
def _(event: Steps, row: int, run: sqlite3.Connection) -> None:
    _blocks.put(
        run,
        row,
        first=event.first,
        losses=event.losses,
        seconds=float(event.seconds),
    )


@keep.register
def _(event: InterimEval, row: int, run: sqlite3.Connection) -> None:
    run.execute(
        "INSERT OR REPLACE INTO glimpses VALUES (?, ?, ?, ?)",
        (row, event.step, float(event.loss), float(event.accuracy)),
    )


@keep.register
def _(event: EpochDone, row: int, run: sqlite3.Connection) -> None:
    run.execute(
        "INSERT OR REPLACE INTO epochs VALUES (?, ?, (SELECT COALESCE(MAX(last), 0)"
        " FROM steps WHERE run = ?), ?, ?, ?, ?, ?, ?)",
        (
            row,
            event.epoch,
            row,
            float(event.train_loss),
            _number(event.test_loss),
            _number(event.test_accuracy),
            json.dumps({name: float(of) for name, of in event.metrics.items()}),
            float(event.seconds),
            event.batch_digest,
        ),
    )
    run.execute(
        "UPDATE runs SET batch_digest = ? WHERE run = ?", (event.batch_digest, row)
    )


@keep.register
def _(event: Finished, row: int, run: sqlite3.Connection) -> None:
    run.execute(
        "UPDATE runs SET status = ?, reason = NULL, batch_digest = ?, "
        "correct = ?, images = ?, seconds = ?, diverged_step = NULL WHERE run = ?",
        (
            ENDS[Finished],
            event.batch_digest,
            *_packed(event.correct),
            float(event.seconds),
            row,
        ),
    )


@keep.register
def _(event: Diverged, row: int, run: sqlite3.Connection) -> None:
    run.execute(
        "UPDATE runs SET status = ?, reason = NULL, diverged_step = ?, "
        "correct = ?, images = ?, test_loss = ?, test_accuracy = ?, "
        "batch_digest = ? WHERE run = ?",
        (
            ENDS[Diverged],
            event.step,
            *_packed(event.correct),
            _number(event.test_loss),
            _number(event.test_accuracy),
            event.batch_digest,
            row,
        ),
    )


@keep.register
def _(event: Failed, row: int, run: sqlite3.Connection) -> None:
    run.execute(
        "UPDATE runs SET status = ?, reason = ? WHERE run = ?",
        (ENDS[Failed], event.reason, row),
    )


def _packed(correct: NDArray[np.bool_] | None) -> tuple[bytes | None, int | None]:
    if correct is None:
        return None, None
    return np.packbits(np.asarray(correct, dtype=np.bool_)).tobytes(), len(correct)


def _number(value: float | None) -> float | None:
    # SQLite does not know NumPy's own numbers
    return None if value is None else float(value)
