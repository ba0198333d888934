"""A study's records in the formats of other tools."""

from __future__ import annotations

import csv
import io
import json
import os
from typing import TYPE_CHECKING, Any

from normlab.errors import BadFolder, BadSetting
from normlab.records._trouble import reporting
from normlab.spec.names import known

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from normlab.records.rows import EpochRow, RunRecord, StudyRecord

FORMATS = ("csv", "json", "parquet")


def export(
    record: StudyRecord,
    form: str,
    path: Path,
    *,
    summary: Mapping[str, Any] | None = None,
) -> None:
    """Write a study for other tools, whole or not at all.

    Args:
        record: The study.
        form: `csv` and `parquet` are one long table with a line per run and epoch;
            `json` is the object that `normlab show --json` prints.
        path: The file to write; an existing one of this kind is replaced.
        summary: The object for `json`, from `analysis.summary.to_json`.

    Raises:
        BadSetting: If the format is unknown, or parquet is not installed.
        BadFolder: If the file cannot be written, or is one of another kind.
    """
    refuse_another_kind(path, f".{form}")
    if form not in FORMATS:
        raise BadSetting(
            f"--format={form} is unknown. {known(FORMATS, instead_of=form)}"
        )
    if form == "json":
        if summary is None:
            raise ValueError("json needs the summary that analysis makes")
        content = json.dumps(summary, indent=1, allow_nan=False).encode()
    elif form == "csv":
        content = _csv(long_table(record))
    else:
        content = _parquet(long_table(record))
    with reporting(path):
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


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
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return text.getvalue().encode()


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


def refuse_another_kind(path: Path, *suffixes: str) -> None:
    """Refuse a folder, and to replace a file that is not of the kind to be written.

    Raises:
        BadFolder: If there is one, such as a study.db or a user's data.
    """
    if path.is_dir():
        raise BadFolder(
            f"{path} is a folder. Name a file in it: {path / f'study{suffixes[0]}'}"
        )
    if path.is_file() and path.suffix.lower() not in suffixes:
        raise BadFolder(
            f"{path} exists and is no {suffixes[0]} file, so it is not replaced. "
            f"Choose a name that ends in {suffixes[0]}."
        )
