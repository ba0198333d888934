"""A study's records in the formats of other tools."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from normlab.disk import whole
from normlab.disk.output import refuse_to_replace
from normlab.errors import BadSetting
from normlab.foreign import plain
from normlab.records._trouble import reporting
from normlab.spec.names import known

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from normlab.records.rows import EpochRow, RunRecord, StudyRecord

FORMATS = ("csv", "json", "parquet")
_FORMULA = ("=", "+", "-", "@")


def export(
    record: StudyRecord,
    form: str,
    path: Path,
    *,
    summary: Mapping[str, Any] | None = None,
    force: bool = False,
) -> None:
    """Write a study for other tools, whole or not at all.

    Args:
        record: The study.
        form: As for `exported`.
        path: The file to write.
        summary: As for `exported`.
        force: Whether an existing file of this kind is replaced.

    Raises:
        BadSetting: If the format is unknown, or parquet is not installed.
        BadFolder: If the file exists, cannot be written, or is no regular file.
    """
    refuse_to_replace(path, f".{form}", force=force)
    content = exported(record, form, summary=summary)
    with reporting(path):
        whole.write(path, content)


def exported(
    record: StudyRecord, form: str, *, summary: Mapping[str, Any] | None = None
) -> bytes:
    """A study as the content of a file for other tools.

    Args:
        record: The study.
        form: `csv` and `parquet` are one long table with a line per run and epoch;
            `json` is the object that `normlab show --json` prints.
        summary: The object for `json`, from `analysis.summary.to_json`.

    Raises:
        BadSetting: If the format is unknown, or parquet is not installed.
    """
    if form not in FORMATS:
        raise BadSetting(
            f"--format={form} is unknown. {known(FORMATS, instead_of=form)}"
        )
    if form == "json":
        if summary is None:
            raise ValueError("json needs the summary that analysis makes")
        return json.dumps(summary, indent=1, allow_nan=False).encode()
    table = long_table(record)
    return _csv(table) if form == "csv" else _parquet(table)


def long_table(record: StudyRecord) -> dict[str, list[Any]]:
    """One line per run and epoch, as columns; a run without epochs has one line.

    Losses are nats per example and accuracies fractions. None where there is no
    value; the last columns are the metrics that some epoch has.
    """
    lines = [
        _line(run, epoch) for run in record.runs for epoch in run.epochs or (None,)
    ]
    metrics = sorted(
        {name for run in record.runs for epoch in run.epochs for name in epoch.metrics}
    )
    names = [*(lines[0] if lines else ()), *metrics]
    found = [
        epoch.metrics if epoch else {}
        for run in record.runs
        for epoch in run.epochs or (None,)
    ]
    table = [{**more, **line} for line, more in zip(lines, found, strict=True)]
    return {name: [line.get(name) for line in table] for name in names}


def _line(run: RunRecord, epoch: EpochRow | None) -> dict[str, Any]:
    return {
        "arm": run.key.arm,
        "rate": run.key.rate,
        "seed": run.key.seed,
        **dict(run.key.point),
        "status": run.status,
        "parameters": run.parameters,
        "diverged_step": run.diverged_step,
        "epoch": epoch and epoch.epoch,
        "train_loss": epoch and epoch.train_loss,
        "test_loss": epoch and epoch.test_loss,
        "test_accuracy": epoch and epoch.test_accuracy,
        "seconds": epoch and epoch.seconds,
    }


def _csv(table: Mapping[str, list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_harmless, table))
    for row in zip(*table.values(), strict=True):
        writer.writerow(map(_harmless, row))
    return text.getvalue().encode()


def _harmless(cell: object) -> object:
    """A cell that no spreadsheet computes: names come from whoever made the study."""
    if not isinstance(cell, str):
        return cell
    text = plain(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _parquet(table: Mapping[str, list[Any]]) -> bytes:
    try:
        import pyarrow as pa  # pyright: ignore[reportMissingImports]
        import pyarrow.parquet as pq  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise BadSetting(
            "--format=parquet needs pyarrow. Install it: pip install 'normlab[parquet]'"
        ) from None
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(dict(table)), sink)
    return sink.getvalue().to_pybytes()
