"""Which files of results a study has kept, and which of them are lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from normlab.records import _arrays

if TYPE_CHECKING:
    from pathlib import Path

NOTED = "kept_arrays"
"""The fact of a study that holds its inventory, taken when it ends."""


def inventory(folder: Path, noted: str | None = None) -> str:
    """Every file of results in a study folder, as the text of a fact.

    Args:
        folder: Of the study.
        noted: What this gave before; what is missing since is not forgotten.
    """
    return json.dumps(sorted(_files(folder) | _names(noted)))


def lost(folder: Path, noted: str | None) -> tuple[str, ...]:
    """The files that were kept once, or are there, and cannot be read now.

    Args:
        folder: Of the study.
        noted: What `inventory` gave; None if the study has not ended.
    """
    known = _files(folder) | _names(noted)
    return tuple(sorted(name for name in known if not _is_there(folder / name)))


def _is_there(path: Path) -> bool:
    return _arrays.is_sound(path) if path.suffix == ".npz" else path.is_file()


def _names(noted: str | None) -> set[str]:
    return set(json.loads(noted or "[]"))


def _files(folder: Path) -> set[str]:
    home = folder / _arrays.ARRAYS
    found = (*home.glob("*/[!.]*.npz"), *home.glob("*/*.safetensors"))
    return {path.relative_to(folder).as_posix() for path in found}
