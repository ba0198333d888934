"""`normlab show`: what a study found, from its records alone."""

from __future__ import annotations

from typing import Annotated

import typer

from normlab.cli import options
from normlab.terminal.printing import say


def show(
    folder: options.Folder,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object, for machines.")
    ] = False,
) -> int:
    """Show a study's table, claims and curves.

    Reads the records; nothing is trained or executed.
    """
    from normlab.analysis.result import StudyResult

    result = StudyResult.open(folder)
    if as_json:
        import json

        print(json.dumps(result.to_json(), indent=2, allow_nan=False))
        return 0
    from normlab.terminal.summary_text import summary_text

    say(summary_text(result, folder))
    return 0
