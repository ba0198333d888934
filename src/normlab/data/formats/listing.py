"""Images whose classes are said by tables: CSV beside them or given itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from normlab.data.assemble import Found
from normlab.data.formats.cells import SUFFIXES
from normlab.data.formats.table import TableFile
from normlab.data.images.album import SKIP, Listed, decoded
from normlab.data.images.parts import Role, role_of
from normlab.data.images.tree import files_of, folders_of, is_service
from normlab.data.words import counted, few
from normlab.errors import BadData
from normlab.spec.data import Data

_ROWS = {"without a class": "without a class", "again": "that come again"}
_USUAL = ("labels", "metadata", "annotations")


def names_images(path: Path) -> bool:
    """Whether a table names image files, rather than holding their pixels.

    Raises:
        BadData: If it is no table.
    """
    return TableFile(path).columns is not None


def read_table(path: Path, spec: Data) -> Found:
    """The images that a table names, with the classes that it says.

    Args:
        path: See `TableFile`. A column called split, set or the like, of words such as
            train and test, tells the parts; without it a fifth becomes the test.
        spec: How images are read.

    Raises:
        BadData: If it does not say the classes, images are not there or cannot be
            read, or one is given two classes.
    """
    return _source({"train": TableFile(path)}, spec, name=path.parent.resolve().name)


def tables_of(folder: Path, spec: Data) -> dict[Role, TableFile]:
    """The tables that say the classes of the images in a folder; none is the rule.

    These are labels.csv, metadata.csv or the only table; train.csv with test.csv; or
    one in each of the folders of the parts. Folders of classes come first where no
    table contradicts them.

    Raises:
        BadData: If folders and table say different classes.
    """
    if spec.folders is not None:
        return {}
    below = folders_of(folder)
    here = _chosen(_usable(folder))
    if here:
        classes = [path for path in below if role_of(path.name) is None]
        parts = [path for path in below if path not in classes]
        if len(classes) > 1 or any(map(folders_of, parts)):
            return _unless_folders_say_so(here)
        return here
    inside: dict[Role, TableFile] = {}
    for path in below:
        role = role_of(path.name)
        tables = [] if role is None or folders_of(path) else _usable(path)
        if role is not None and role not in inside and len(tables) == 1:
            inside[role] = tables[0]
    return inside if "train" in inside and len(inside) > 1 else {}


def read_tables(tables: Mapping[Role, TableFile], folder: Path, spec: Data) -> Found:
    """The same as `read_table`, of what `tables_of` found."""
    return _source(tables, spec, name=folder.resolve().name)


def _usable(folder: Path) -> list[TableFile]:
    """The tables in a folder that name images and say their classes."""
    usable = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not is_service(path.name):
            try:
                table = TableFile(path)
            except (BadData, OSError):  # no table of ours, so it says nothing
                continue
            found = table.columns
            if found is not None and found.label is not None:
                usable.append(table)
    return usable


def _chosen(tables: Sequence[TableFile]) -> dict[Role, TableFile]:
    usual = [table for table in tables if table.path.stem.lower() in _USUAL]
    if usual or len(tables) == 1:
        return {"train": [*usual, *tables][0]}
    by_role: dict[Role, TableFile] = {}
    for table in tables:
        role = role_of(table.path.stem)
        if role is not None:
            by_role.setdefault(role, table)
    return by_role if "train" in by_role else {}


def _unless_folders_say_so(tables: dict[Role, TableFile]) -> dict[Role, TableFile]:
    for table in tables.values():
        found = table.columns
        assert found is not None
        assert found.label is not None
        if not table.says_classes:
            return {}
        for row in table.rows:
            path, label = table.find(row[found.file]), row[found.label]
            if path is not None and label not in path.parent.parts:
                raise BadData(
                    f"{path} is of the class {label!r} by {table.path}, and in another "
                    f"folder. If the table says the classes, give {table.path} itself; "
                    "if the folders do: --set data.folders=classes."
                )
    return {}


def _source(tables: Mapping[Role, TableFile], spec: Data, *, name: str) -> Found:
    entries: dict[Role, dict[Path, str]] = {}
    notes: list[str] = []
    for role, table in tables.items():
        found, said = _entries(table, role, spec)
        entries |= found
        notes += said
    if "test" not in entries and "validation" in entries:
        entries["test"] = entries.pop("validation")
    where = str(next(iter(tables.values())).path)
    classes = _classes(entries, where)
    number = {name: n for n, name in enumerate(classes)}
    pairs, said = decoded(
        {
            role: Listed(where, [*found], np.array([number[c] for c in found.values()]))
            for role, found in entries.items()
        },
        spec,
    )
    return Found(
        name=name,
        train=pairs["train"],
        test=pairs.get("test"),
        validation=pairs.get("validation"),
        classes=classes,
        axes="chw",
        notes=(*notes, *_not_named(entries), *said),
    )


def _classes(entries: Mapping[Role, Mapping[Path, str]], where: str) -> tuple[str, ...]:
    trained = set(entries.get("train", {}).values())
    if not trained:
        raise BadData(f"{where} names no training image. Name one and its class a row.")
    if len(trained) < 2:
        raise BadData(
            f"{where} gives the training images {len(trained)} class "
            f"({', '.join(trained)}); there is nothing to tell apart. Give two or more."
        )
    for role, found in entries.items():
        strange = sorted(set(found.values()) - trained)
        if strange:
            raise BadData(
                f"{where}: the class {strange[0]!r} is in the {role} part, but no "
                "training image has it. Give training images of every class."
            )
    whole = all(label.isdecimal() for label in trained)
    return tuple(sorted(trained, key=int if whole else None))


def _entries(
    table: TableFile, role: Role, spec: Data
) -> tuple[dict[Role, dict[Path, str]], list[str]]:
    """The image and the class of each row, by part, and what is to be said."""
    file, label, part = _columns(table)
    entries: dict[Role, dict[Path, str]] = {}
    missing: list[str] = []
    counts: Counter[str] = Counter()
    for row in table.rows:
        its = role if part is None else role_of(row[part]) or role
        path, word = table.find(row[file], its), row[label]
        if path is None:
            missing.append(row[file])
        elif not word:
            counts["without a class"] += 1
        else:
            known = entries.setdefault(its, {})
            if known.setdefault(path, word) != word:
                raise BadData(
                    f"{table.path} gives {row[file]} two classes, {known[path]!r} and "
                    f"{word!r}. Keep one of the rows."
                )
            counts["again"] += 1
    counts["again"] -= sum(map(len, entries.values()))
    if missing and not spec.skip_unreadable:
        raise BadData(
            f"{len(missing)} of {counted(len(table.rows), 'image')} that {table.path} "
            f"names are not there: {few(missing)}. Add them, or leave them out: {SKIP}."
        )
    head = table.header
    columns = f"images from {head[file]}, classes from {head[label]}"
    parts = "" if part is None else f", parts from {head[part]}"
    said = [f"{table.path.name}: {columns}{parts}"]
    if missing:
        said.append(
            f"left out {counted(len(missing), 'missing image')}: {few(missing)}"
        )
    for why, count in counts.items():
        if count:
            said.append(f"passed over {counted(count, 'row')} {_ROWS[why]}")
    return entries, said


def _columns(table: TableFile) -> tuple[int, int, int | None]:
    found = table.columns
    if found is None:
        raise BadData(
            f"no column of {table.path} names images beside it. Give the file names in "
            "a column file_name, as seen from its folder."
        )
    if found.label is None:
        raise BadData(
            f"{table.path} has the columns {', '.join(table.header)}; none is called "
            "label. Name the column with the classes so."
        )
    return found.file, found.label, found.part


def _not_named(entries: Mapping[Role, Mapping[Path, str]]) -> list[str]:
    named = {path for found in entries.values() for path in found}
    folders = {path.parent for path in named}
    beside = [path for folder in folders for path in files_of(folder)]
    rest = [path.name for path in sorted(beside) if path not in named]
    return [f"passed over {counted(len(rest), 'image')} in no row: {few(rest)}"] * (
        len(rest) > 0
    )
