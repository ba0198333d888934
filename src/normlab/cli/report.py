"""`normlab report`: the whole study as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normlab.cli import options


def report(
    folder: options.Folder,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where to write [default: DIR/report.html].",
        ),
    ] = None,
) -> int:
    """Write a study's report: one HTML file that opens offline.

    Reads the records; nothing is trained or executed.
    """
    from normlab.analysis.result import Result
    from normlab.report.write import NAME, write

    path = write(Result.open(folder), output or folder / NAME)
    print(f"report written to {path}")
    return 0
