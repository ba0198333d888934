"""`normlab show`: what a study found, from its records alone."""

from __future__ import annotations

from typing import Annotated

import typer

from normlab.cli import options
from normlab.cli.newest import named_or_newest


def show(
    folder: options.AnyFolder = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object, for machines.")
    ] = False,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> int:
    """Show a study's table, its answer and its verdicts.

    Reads the records; nothing is trained or executed.
    """
    from normlab.analysis.result import StudyResult

    folder = named_or_newest(folder)
    result = StudyResult.open(folder)
    if as_json:
        import json

        print(json.dumps(result.to_json(), indent=2, allow_nan=False))
        return 0
    from normlab.terminal.styled import put
    from normlab.terminal.summary_text import brief_summary, summary

    put(brief_summary(result) if quiet else summary(result, folder, verbose=verbose))
    return 0
