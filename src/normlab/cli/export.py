"""`normlab export`: a study's records in a format of other tools."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from normlab.cli import options


class Format(StrEnum):
    """What `records.export` can write."""

    csv = "csv"
    json = "json"
    parquet = "parquet"


def export(
    folder: options.Folder,
    form: Annotated[
        Format,
        typer.Option("--format", help="parquet needs normlab[parquet] installed."),
    ],
    path: Annotated[
        Path, typer.Option("-o", "--output", metavar="PATH", help="Where to write.")
    ],
) -> int:
    """Write a study's records as csv, json or parquet."""
    from normlab.records.export import export as write
    from normlab.records.folder import StudyFolder

    write(StudyFolder.open(folder).read(), form.value, path)
    print(f"written to {path}")
    return 0
