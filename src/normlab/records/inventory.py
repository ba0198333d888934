"""Which files of results a study has kept, and which of them are lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from normlab.disk.opening import size_of
from normlab.records import _arrays
from normlab.records._rows import decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from normlab.records.rows import RunRecord

NOTED = "kept_arrays"
"""The fact of a study that holds its inventory, taken when it ends."""


def inventory(
    folder: Path, before: Iterable[str] = (), runs: Iterable[RunRecord] = ()
) -> str:
    """Every file of results that a study folder holds or must hold, as a fact's text.

    Args:
        folder: Of the study.
        before: What was noted or written before; if it is missing it is not forgotten.
        runs: Of the study: each that is done has left its network.
    """
    networks = {
        f"{_arrays.ARRAYS}/{run.key.id}/{_arrays.NETWORK}"
        for run in runs
        if run.status == "done"
    }
    return json.dumps(sorted(_paths(_arrays.files(folder)) | set(before) | networks))


def noted(meta: Mapping[str, str]) -> tuple[str, ...]:
    """What the inventory of a study says, by its facts.

    Raises:
        Odd: If it is no list of names.
    """
    names = decoded(
        "meta", "value", meta.get(NOTED, "[]"), "names of files", _are_names
    )
    return tuple(names)


def lost(
    folder: Path, known: Iterable[str], files: Mapping[str, Iterable[str]]
) -> tuple[str, ...]:
    """The files that were kept once, or are there, and cannot be read now.

    Args:
        folder: Of the study.
        known: What `noted` gave.
        files: What lies there now, by `_arrays.files`.
    """
    there = _paths(files)
    unreadable = {name for name in there if not _can_be_read(folder, name)}
    return tuple(sorted(unreadable | (set(known) - there)))


def _can_be_read(folder: Path, name: str) -> bool:
    path = folder / name
    if name.endswith(_arrays.PROBED):
        return _arrays.is_sound(path, folder)
    try:
        return size_of(path, within=folder) is not None
    except OSError:
        return False


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(map(_arrays.is_result, value))


def _paths(files: Mapping[str, Iterable[str]]) -> set[str]:
    """Of files of results, as seen from the study folder."""
    return {
        f"{_arrays.ARRAYS}/{home}/{name}"
        for home, names in files.items()
        for name in names
    }
