"""One table of file names and classes: which column is which, and what it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from normlab.data.formats.cells import WIDE, rows_of
from normlab.data.images.parts import Role, role_of
from normlab.data.images.tree import images_near, is_image
from normlab.data.words import few
from normlab.errors import BadData

_FILES = (
    *("file_name", "filename", "file", "filepath", "file_path", "path"),
    *("image", "image_path", "image_name", "image_file", "img", "img_path"),
)
_IDS = ("image_id", "id", "name")  # of files if there are such
_CLASSES = (
    *("label", "class", "category", "target", "labels", "class_name", "classname"),
    *("label_name", "y", "species", "breed"),
)
_PARTS = ("split", "set", "subset", "partition", "part", "dataset", "usage", "phase")
_TRIED = 20  # rows that tell which column names files


class Columns(NamedTuple):
    """Where in a row things stand."""

    file: int
    label: int | None
    part: int | None


class TableFile:
    """A table as it was found.

    Args:
        path: Text in UTF-8 with commas, semicolons or tabs between its cells. The
            images lie beside it or in folders near it, and may be named without
            folder and suffix.

    Raises:
        BadData: If it cannot be read as such.
    """

    def __init__(self, path: Path) -> None:
        """Read the cells; nothing is known yet of what they mean."""
        self.path = path
        rows = _cells(path)
        # a first row that names an image is no header
        self.has_header = not any(self._beside(cell) for cell in rows[0][:WIDE])
        numbers = [f"column {n + 1}" for n in range(len(rows[0]))]
        self.header = rows[0] if self.has_header else numbers
        self.rows = rows[1:] if self.has_header else rows

    @cached_property
    def columns(self) -> Columns | None:
        """Which column is which; None if none of them names images."""
        names = [name.lower().replace(" ", "_") for name in self.header]
        file = self._file_column(names)
        if file is None:
            return None
        part = next((c for c in _known(names, _PARTS) if self._names_parts(c)), None)
        others = [
            column
            for column, name in enumerate(names)
            # pandas writes a column without a name that counts the rows
            if column not in (file, part) and name and not name.startswith("unnamed")
        ]
        named = [column for column in _known(names, _CLASSES) if column in others]
        label = named[0] if named else others[0] if len(others) == 1 else None
        return Columns(file, label, part)

    @property
    def says_classes(self) -> bool:
        """Whether a column is called so, or like one of its usual names."""
        found = self.columns
        if found is None or found.label is None:
            return False
        return self.header[found.label].lower().replace(" ", "_") in _CLASSES

    def find(self, cell: str, role: Role = "train") -> Path | None:
        """The image that a cell names: beside the table, else in a folder near it."""
        beside = self._beside(cell)
        if beside is not None or not cell:
            return beside
        near = self._near.get(cell, ())
        if len(near) > 1:  # the same name in train/ and in test/
            base = self.path.parent
            near = [p for p in near if role_of(p.relative_to(base).parts[0]) == role]
        return near[0] if len(near) == 1 else None

    def _beside(self, cell: str) -> Path | None:
        try:
            path = self.path.parent / cell.replace("\\", "/")
            return path if cell and is_image(path) else None
        except OSError:  # too long for a name
            return None

    @cached_property
    def _near(self) -> Mapping[str, Sequence[Path]]:
        found: dict[str, list[Path]] = {}
        for path in images_near(self.path.parent):
            for name in {path.name, path.stem}:
                found.setdefault(name, []).append(path)
        return found

    def _file_column(self, names: Sequence[str]) -> int | None:
        named = (*_known(names, _FILES), *_known(names, _IDS))
        tried = named if len(names) > WIDE else range(len(names))
        hits = {
            column: sum(
                self.find(row[column]) is not None
                for row in self.rows[:_TRIED]
                # elsewhere a number is a number, even if an image has it for a name
                if column in named or Path(row[column]).suffix
            )
            for column in tried
        }
        best = max(tried, key=lambda c: (hits[c], c in named, -c), default=None)
        if best is not None and hits[best]:
            return best
        return next(iter(_known(names, _FILES)), None)

    def _names_parts(self, column: int) -> bool:
        roles = {role_of(word) for word in {row[column] for row in self.rows}}
        return len(roles) > 1 and "train" in roles and None not in roles


def _known(names: Sequence[str], known: Sequence[str]) -> list[int]:
    return [names.index(name) for name in known if name in names]


def _cells(path: Path) -> list[list[str]]:
    rows = list(rows_of(path))
    if not rows:
        raise BadData(f"{path} is empty. Name an image and its class in each row.")
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise BadData(
                f"{path} has {len(row)} cells in row {number} and {len(rows[0])} in "
                f"row 1 ({few(rows[0])}). Give every row the same."
            )
    return rows
