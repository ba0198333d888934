"""Which folders are the parts of a data set, and which are its classes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Literal

from normlab.data.images.tree import files_of, folders_of
from normlab.data.words import few
from normlab.errors import BadData
from normlab.spec.data import Data

Role = Literal["train", "validation", "test"]

_WORDS: Mapping[Role, str] = {
    "train": "train|training",
    "test": "test|testing|holdout|heldout",
    "validation": "val|valid|validation|validate|dev|development|eval|evaluation",
}
_BEHIND = "sets?|data|dataset|imgs?|images?|files?|folder|part|split|val|valid"
_CLASSES = "--set data.folders=classes"
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def role_of(name: str) -> Role | None:
    """The part that a folder, a file or a cell of a table names, by its ends.

    Example:
        >>> [role_of(n) for n in ("Training_Data", "trainval", "images-test", "VAL2")]
        ['train', 'train', 'test', 'validation']
        >>> role_of("trains"), role_of("contest"), role_of("fold1")
        (None, None, None)
    """
    words = [word.lower() for word in _WORD.findall(name)]
    for word in (*words[:1], *words[-1:]):
        for role, known in _WORDS.items():
            if re.fullmatch(f"({known})({_BEHIND})?", word):
                return role
    return None


def parts_of(folder: Path, spec: Data) -> dict[Role, Path]:
    """The folder of each part; all images are `train` if they are not split.

    Folders are parts if one is named for training and another for a test, or if all
    are named so. What is left without a test has its validation part for it.

    Args:
        folder: At its top.
        spec: `folders` says what they are where their names do not.

    Raises:
        BadData: If two readings are possible, or a part is missing or there twice.
    """
    below = folders_of(folder)
    roles: dict[Path, Role] = {
        path: role for path in below if (role := role_of(path.name))
    }
    nested = [path for path in below if folders_of(path)]
    if spec.folders != "parts":
        if len(below) == 1:
            _refuse_alone(folder, below[0], nested=bool(nested))
        if spec.folders == "classes" or not _are_named(below, roles):
            if spec.folders is None:
                _refuse_unclear(folder, nested, roles)
            return {"train": folder}
    return _by_role(folder, roles)


def _are_named(below: Sequence[Path], roles: Mapping[Path, Role]) -> bool:
    named = set(roles.values())
    return len(roles) == len(below) or ("train" in named and len(named) > 1)


def _by_role(folder: Path, roles: Mapping[Path, Role]) -> dict[Role, Path]:
    found: dict[Role, Path] = {}
    for path, role in roles.items():
        if role in found:
            raise BadData(
                f"{folder} has two folders for one part, {found[role].name}/ and "
                f"{path.name}/. Put them together, or take one away."
            )
        found[role] = path
    if "test" not in found and "validation" in found:
        found["test"] = found.pop("validation")
    missing = [role for role in ("train", "test") if role not in found]
    if missing:
        raise BadData(
            f"{folder} has no folder for the {missing[0]} part. If its folders are "
            f"parts, name one {missing[0]}/; if they are classes: {_CLASSES}."
        )
    return found


def _refuse_alone(folder: Path, only: Path, *, nested: bool) -> None:
    if nested and role_of(only.name):
        raise BadData(
            f"{folder} has {only.name}/ but no test/. Add it, or give {only} itself to "
            "have a fifth of its images split off."
        )
    if nested:
        raise BadData(f"{folder} holds nothing but {only.name}/. Give {only} itself.")


def _refuse_unclear(
    folder: Path, nested: Sequence[Path], roles: Mapping[Path, Role]
) -> None:
    """Refuse folders of which nobody can tell whether they are parts or classes."""
    deep = [path for path in nested if not files_of(path)]
    alike = [
        (one, other, sorted(common))
        for one, other in combinations(deep, 2)
        if (common := _names(one) & _names(other))
    ]
    named = [path for path in deep if path in roles]
    if alike:
        one, other, common = alike[0]
        why = f"{one.name}/ and {other.name}/ both hold {few(common)}"
    elif named:
        why = f"{named[0].name}/ holds folders alone"
    else:
        return
    raise BadData(
        f"{folder}: {why}, so its folders are parts or classes. "
        f"If parts, name them train/ and test/; if classes: {_CLASSES}."
    )


def _names(folder: Path) -> set[str]:
    return {path.name for path in folders_of(folder)}
