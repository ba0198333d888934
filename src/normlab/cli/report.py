"""`normlab report`: the whole study as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normlab.cli import options
from normlab.cli.newest import named_or_newest
from normlab.terminal.printing import STANDARD, put_out, say


def report(
    folder: options.AnyFolder = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where to write, - for standard output [default: DIR/report.html].",
        ),
    ] = None,
    pictures: Annotated[
        bool,
        typer.Option(
            "--pictures",
            help="With a still picture of each figure, for readers without "
            "JavaScript; needs kaleido and a browser.",
        ),
    ] = False,
    force: options.Force = False,
    show: options.Open = False,
) -> int:
    """Write a study's report: one HTML file that opens offline.

    Reads the records; nothing is trained or executed.
    """
    from normlab.analysis.result import StudyResult
    from normlab.report.write import NAME, content, write

    folder = named_or_newest(folder)
    result = StudyResult.open(folder)
    if output == STANDARD:
        put_out(content(result, stills=pictures))
        return 0
    path = write(result, output or folder / NAME, force=force, stills=pictures)
    say(f"report written to {path}")
    if show:
        from normlab.cli.opening import open_in_browser

        open_in_browser(path)
    return 0
