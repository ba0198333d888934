"""Which files of arrays a study has kept, and which of them are lost."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

from normlab.records import _arrays

if TYPE_CHECKING:
    from pathlib import Path

NOTED = "kept_arrays"
"""The fact of a study that holds its inventory, taken when it ends."""


def inventory(folder: Path) -> str:
    """Every file of arrays in a study folder, as the text of a fact."""
    return json.dumps(sorted(_files(folder)))


def lost(folder: Path, noted: str | None) -> tuple[str, ...]:
    """The files that were kept once, or are there, and cannot be read now.

    Args:
        folder: Of the study.
        noted: What `inventory` gave; None if the study has not ended.
    """
    known = _files(folder) | set(json.loads(noted or "[]"))
    return tuple(sorted(n for n in known if not zipfile.is_zipfile(folder / n)))


def _files(folder: Path) -> set[str]:
    found = (folder / _arrays.ARRAYS).glob("*/[!.]*.npz")
    return {path.relative_to(folder).as_posix() for path in found}
