"""`normlab export`: a study's records in a format of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normlab.cli import options


def export(
    folder: options.Folder,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="csv|json|parquet",
            help="parquet needs normlab[parquet] installed.",
        ),
    ],
    path: Annotated[
        Path, typer.Option("-o", "--output", metavar="PATH", help="Where to write.")
    ],
) -> int:
    """Write a study's records as csv, json or parquet."""
    from normlab.analysis.result import Result
    from normlab.records.export import export as write

    result = Result.open(folder)
    summary = result.to_json() if form == "json" else None
    write(result.record, form, path, summary=summary)
    print(f"written to {path}")
    return 0
