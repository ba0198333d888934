"""From the tables of study.db to records."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from normlab.records._blocks import Block, joined
from normlab.records.rows import EpochRow, GlimpseRow, RunRecord
from normlab.spec.plan import RunKey
from normlab.spec.point import Point, point_from_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def meta(connection: sqlite3.Connection) -> dict[str, str]:
    """Every fact about the study."""
    return dict(connection.execute("SELECT key, value FROM meta ORDER BY key"))


def measurements(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Every measurement of the whole study, by its name."""
    rows = connection.execute("SELECT name, value FROM measurements ORDER BY name")
    return {name: json.loads(value) for name, value in rows}


def statuses(connection: sqlite3.Connection) -> dict[str, int]:
    """How many runs stand at which status."""
    return dict(connection.execute("SELECT status, COUNT(*) FROM runs GROUP BY status"))


def runs(connection: sqlite3.Connection, *, conducted: bool) -> tuple[RunRecord, ...]:
    """Every run in the order of the plan.

    Args:
        connection: In one transaction, so that all tables are of one moment.
        conducted: Whether a process conducts the study; without one, a run that is
            said to be running was interrupted.
    """
    connection.row_factory = sqlite3.Row
    epochs = _by_run(connection, "epochs", "epoch", _epoch)
    glimpses = _by_run(connection, "glimpses", "step", _glimpse)
    blocks = _by_run(connection, "steps", "first", lambda row: Block(*row[1:]))
    return tuple(
        _run(
            row, epochs[row["run"]], glimpses[row["run"]], blocks[row["run"]], conducted
        )
        for row in connection.execute("SELECT * FROM runs ORDER BY run")
    )


def _by_run(
    connection: sqlite3.Connection, table: str, order: str, make: Callable[..., Any]
) -> defaultdict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(f"SELECT * FROM {table} ORDER BY run, {order}"):
        found[row["run"]].append(make(row))
    return found


def _run(
    row: sqlite3.Row,
    epochs: list[EpochRow],
    glimpses: list[GlimpseRow],
    blocks: list[Block],
    conducted: bool,
) -> RunRecord:
    status = row["status"]
    if status == "running" and not conducted:
        status = "interrupted"
    ended = epochs[-1] if epochs and status == "done" else None
    return RunRecord(
        key=RunKey(row["arm"], row["rate"], row["seed"], _point(row)),
        status=status,
        reason=row["reason"],
        attempts=row["attempts"],
        parameters=row["parameters"],
        init_digest=row["init_digest"],
        batch_digest=row["batch_digest"],
        tensor_digests=json.loads(row["tensor_digests"]),
        epochs=tuple(epochs),
        glimpses=tuple(glimpses),
        step_losses=joined(blocks),
        step_seconds=sum(block.seconds for block in blocks),
        seconds=row["seconds"],
        correct=_unpacked(row["correct"], row["images"]),
        test_loss=ended.test_loss if ended else row["test_loss"],
        test_accuracy=ended.test_accuracy if ended else row["test_accuracy"],
        diverged_step=row["diverged_step"],
    )


def _point(row: sqlite3.Row) -> Point:
    # schema 1 has no such column
    return point_from_json(row["point"]) if "point" in row.keys() else ()  # noqa: SIM118


def _epoch(row: sqlite3.Row) -> EpochRow:
    return EpochRow(
        epoch=row["epoch"],
        train_loss=_number(row["train_loss"]),
        test_loss=row["test_loss"],
        test_accuracy=row["test_accuracy"],
        metrics=json.loads(row["metrics"]),
        seconds=row["seconds"],
        batch_digest=row["batch_digest"],
    )


def _glimpse(row: sqlite3.Row) -> GlimpseRow:
    return GlimpseRow(
        step=row["step"], loss=_number(row["loss"]), accuracy=_number(row["accuracy"])
    )


def _number(value: float | None) -> float:
    # SQLite has no not-a-number and keeps NULL instead
    return math.nan if value is None else value


def _unpacked(data: bytes | None, images: int | None) -> NDArray[np.bool_] | None:
    if data is None:
        return None
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), count=images)
    return bits.astype(np.bool_)
