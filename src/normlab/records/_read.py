"""From the tables of study.db to records."""

from __future__ import annotations

import math
from collections import defaultdict, namedtuple
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from normlab.foreign import brief
from normlab.records._blocks import StepBlock, joined
from normlab.records._notes import gathered, holds_notes
from normlab.records._rows import TABLES, Rows, decoded, is_number, maps_to, odd
from normlab.records.data_line import NOTED, is_description
from normlab.records.looks import LOOKS, SEEDS, are_looks, are_seeds
from normlab.records.rows import (
    CLASSES,
    FAILED,
    LARGEST,
    ONLY,
    STATUSES,
    EpochRow,
    GlimpseRow,
    RunRecord,
)
from normlab.spec.plan import RunKey
from normlab.spec.point import point_from_json, point_json

_MAPPINGS = {"networks", "python_code", "model_files", "starts"}
_MAPPINGS |= {"norm_sources", "norm_sha256", "norm_files"}
"""Facts that are names with their digests."""
_LISTS = {"network_differences", "network_notes"}
"""Facts that are sentences."""

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from normlab.spec.study import StudySpec


def meta(connection: sqlite3.Connection, folder: Path) -> dict[str, str]:
    """Every fact about the study."""
    facts = dict(Rows(connection, folder).of("meta", "key"))
    for name in _MAPPINGS & facts.keys():
        decoded("meta", "value", facts[name], f"what {name} gives", _are_texts)
    for name in _LISTS & facts.keys():
        decoded("meta", "value", facts[name], f"what {name} gives", _are_sentences)
    if LARGEST in facts:
        decoded("meta", "value", facts[LARGEST], "the share of a class", _is_share)
    if CLASSES in facts:
        decoded("meta", "value", facts[CLASSES], "a number of classes", _is_count)
    if NOTED in facts:
        decoded("meta", "value", facts[NOTED], "a description of data", is_description)
    if LOOKS in facts:
        decoded("meta", "value", facts[LOOKS], "looks at a study", are_looks)
    for name in {SEEDS, ONLY} & facts.keys():
        decoded("meta", "value", facts[name], "seeds", are_seeds)
    return facts


def measurements(
    connection: sqlite3.Connection, folder: Path
) -> dict[str, dict[str, Any]]:
    """Every measurement of the whole study, by its name."""
    return gathered(
        {
            name: _measured(name, value)
            for name, value in Rows(connection, folder).of("measurements", "name")
        }
    )


def statuses(connection: sqlite3.Connection) -> dict[str, int]:
    """How many runs stand at which status."""
    found = dict(
        connection.execute("SELECT status, COUNT(*) FROM runs GROUP BY status")
    )
    for status in found:
        _refuse_unknown_status(status)
    return found


def runs(
    connection: sqlite3.Connection, folder: Path, spec: StudySpec, *, conducted: bool
) -> tuple[RunRecord, ...]:
    """Every run in the order of the plan.

    Args:
        connection: In one transaction, so that all tables are of one moment.
        folder: Of the study.
        spec: Of the study: runs are of its arms, seeds and points.
        conducted: Whether a process conducts the study; without one, a run that is
            said to be running was interrupted.
    """
    rows = Rows(connection, folder)
    epochs = _by_run(rows, "epochs", "run, epoch", _epoch)
    glimpses = _by_run(rows, "glimpses", "run, step", _glimpse)
    blocks = _by_run(rows, "steps", "run, first", _block)
    fits = _Fits.of(spec)
    return tuple(
        _run(row, epochs[row.run], glimpses[row.run], blocks[row.run], fits, conducted)
        for row in map(_RunRow._make, rows.of("runs", "run"))
    )


_RunRow = namedtuple("_RunRow", TABLES["runs"])
_EpochRow = namedtuple("_EpochRow", list(TABLES["epochs"])[1:])


class _Fits(NamedTuple):
    """What the keys of a study's runs are made of."""

    arms: dict[str, str]
    """And what each is called."""
    seeds: frozenset[int]
    points: frozenset[str]

    @classmethod
    def of(cls, spec: StudySpec) -> _Fits:
        points = frozenset(map(point_json, spec.sweep.points))
        return cls(spec.labels, frozenset(spec.seeds), points)

    def refuse_others(self, row: Any) -> None:
        """Raise Odd about a run that is none of the study's."""
        for column, known in (
            ("arm", self.arms),
            ("seed", self.seeds),
            ("point", self.points),
        ):
            if getattr(row, column) not in known:
                raise odd("runs", column, getattr(row, column), "of this study")
        if not 0 < row.rate < math.inf:
            raise odd("runs", "rate", row.rate, "a learning rate")


def _by_run(
    rows: Rows, table: str, order: str, make: Callable[..., Any]
) -> defaultdict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for run, *cells in rows.of(table, order):
        found[run].append(make(*cells))
    return found


def _run(
    row: Any,
    epochs: list[EpochRow],
    glimpses: list[GlimpseRow],
    blocks: list[StepBlock],
    fits: _Fits,
    conducted: bool,
) -> RunRecord:
    fits.refuse_others(row)
    _refuse_unknown_status(row.status)
    status = row.status
    if status == "running" and not conducted:
        status = "interrupted"
    ended = epochs[-1] if epochs and status == "done" else None
    return RunRecord(
        key=RunKey(row.arm, float(row.rate), row.seed, point_from_json(row.point)),
        label=fits.arms[row.arm],
        status=status,
        reason=row.reason,
        attempts=row.attempts,
        parameters=row.parameters,
        init_digest=row.init_digest,
        batch_digest=row.batch_digest,
        tensor_digests=decoded(
            "runs", "tensor_digests", row.tensor_digests, "digests", _are_texts
        ),
        epochs=tuple(epochs),
        glimpses=tuple(glimpses),
        step_losses=joined(blocks),
        step_seconds=sum(block.seconds for block in blocks),
        seconds=row.seconds,
        correct=_unpacked(row.correct, row.images),
        test_loss=ended.test_loss if ended else row.test_loss,
        test_accuracy=ended.test_accuracy if ended else row.test_accuracy,
        diverged_step=row.diverged_step,
    )


def _refuse_unknown_status(status: object) -> None:
    if status not in STATUSES:
        raise odd("runs", "status", status, f"one of {', '.join(STATUSES)}")


def _epoch(*cells: Any) -> EpochRow:
    row = _EpochRow(*cells)
    return EpochRow(
        epoch=row.epoch,
        train_loss=_number(row.train_loss),
        test_loss=row.test_loss,
        test_accuracy=row.test_accuracy,
        metrics=decoded("epochs", "metrics", row.metrics, "numbers", _are_numbers),
        seconds=row.seconds,
        batch_digest=row.batch_digest,
    )


def _glimpse(step: int, loss: float | None, accuracy: float | None) -> GlimpseRow:
    return GlimpseRow(step=step, loss=_number(loss), accuracy=_number(accuracy))


def _block(first: int, last: int, losses: bytes, seconds: float) -> StepBlock:
    block = StepBlock(first, last, losses, seconds)
    if not block.is_whole:
        raise odd("steps", "last", last, f"the last of {len(losses):,} bytes of losses")
    return block


def _measured(name: str, text: str) -> dict[str, Any]:
    """A measurement: names to values, of what failed to texts."""
    fits = _are_texts if name == FAILED or holds_notes(name) else _are_any
    return decoded("measurements", "value", text, f"what {brief(name)} gives", fits)


def _are_texts(value: object) -> bool:
    return maps_to(value, lambda item: isinstance(item, str))


def _are_sentences(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_share(value: object) -> bool:
    return isinstance(value, float) and 0 < value <= 1


def _are_numbers(value: object) -> bool:
    return maps_to(value, is_number)


def _are_any(value: object) -> bool:
    return isinstance(value, dict)


def _number(value: float | None) -> float:
    # SQLite has no not-a-number and keeps NULL instead
    return math.nan if value is None else value


def _unpacked(data: bytes | None, images: int | None) -> NDArray[np.bool_] | None:
    if data is None:
        return None
    if not images or len(data) != (images + 7) // 8:
        raise odd("runs", "images", images, f"what {len(data):,} bytes hold")
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), count=images)
    return bits.astype(np.bool_)
