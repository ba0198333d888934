"""`normlab list`: the studies below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def list_studies(
    root: Annotated[
        Path, typer.Argument(metavar="[ROOT]", help="Where to look.")
    ] = Path(),
) -> int:
    """List the studies below a folder."""
    from normlab.cli.columns import columns
    from normlab.records.folder import find_studies

    print(find_studies, columns, root)
    return 0
