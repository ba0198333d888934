"""What is fuzzed: for each kind how an input is spoilt, and who has to read it."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from normlab.data.load import load
from normlab.errors import NormlabError
from normlab.records import _rows
from normlab.spec.data import Data
from tests.data.files import idx_folder
from tests.resilience.law import Law

Input = Any


class Kind(NamedTuple):
    """One kind of input."""

    inputs: st.SearchStrategy[Input]
    spoil: Callable[[Path, Input], None]
    """Given the home of a study folder `study`, and what was drawn."""
    read: Callable[[Law, Path, Input], None]


EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(("flip", "cut", "insert", "repeat")),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=6,
)
WORDS = st.text(max_size=30) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "\"><img src=x onerror='x()'>",
        "</script><svg onload=x()>",
        "\x1b]0;gone\x07",
        "\u202eexe.gpj",
        "two\nlines",
        "=HYPERLINK(1)",
        "../../x",
        "a\0b",
        "\x9b31m",
    ]
)
CELLS = (
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.binary(max_size=20)
) | (WORDS | st.sampled_from(["{}", "[]", "[" * 50_000, '{"a": 1e999}', "9" * 5_000]))
COLUMNS = [(t, column) for t, columns in _rows.TABLES.items() for column in columns]


def edited(content: bytes, edits: list[tuple[float, str, bytes]]) -> bytes:
    """The same bytes with some changed, lost, added or repeated."""
    data = bytearray(content)
    for share, how, piece in edits:
        at = int(share * max(0, len(data) - 1))
        if how == "flip":
            data[at : at + len(piece)] = piece
        elif how == "cut":
            del data[at : at + len(piece) if share < 0.5 else None]
        elif how == "insert":
            data[at:at] = piece
        else:
            data[at:at] = data[at : at + 4_096]
    return bytes(data)


def _edit(path: Path, edits: list[tuple[float, str, bytes]]) -> None:
    path.write_bytes(edited(path.read_bytes(), edits))


def readers(law: Law, home: Path, _: Input) -> None:
    """What reads a study folder; a report takes longer than all of them."""
    law.holds("show", home / "study")
    law.holds("show", home / "study", "--json")
    law.holds("list", home)
    law.holds("export", home / "study", "--format", "csv", "-o", "-")


def reported(law: Law, home: Path, given: Input) -> None:
    """The report too."""
    report = home / "study" / "report.html"
    report.unlink(missing_ok=True)
    law.holds("report", home / "study")
    if report.exists():
        Page().feed(report.read_text(encoding="utf-8"))
    readers(law, home, given)


class Page(HTMLParser):
    """Refuses handlers, and elements that a report never has."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        assert not [name for name, _ in attrs if name.startswith("on")], (tag, attrs)
        assert tag not in {"iframe", "object", "embed", "base", "form"}, tag
        assert (tag, ("src", "x")) not in [(tag, pair) for pair in attrs]


def _cell(home: Path, given: tuple[tuple[str, str], Any]) -> None:
    (table, column), cell = given
    with (
        closing(sqlite3.connect(home / "study" / "study.db")) as base,
        base,
        suppress(sqlite3.IntegrityError, UnicodeEncodeError),
    ):
        base.execute(f"update {table} set {column} = ?", (cell,))


def _array(home: Path, given: tuple[int, list[Any]]) -> None:
    found = sorted((home / "study" / "arrays").rglob("*.npz"))
    _edit(found[given[0] % len(found)], given[1])


def _file_of(home: Path, given: tuple[int, list[Any]]) -> None:
    found = sorted(path for path in (home / "study").rglob("*") if path.is_file())
    _edit(found[given[0] % len(found)], given[1])


STATEMENTS = (
    "drop table {0}",
    "delete from {0}",
    "insert into {0} select * from {0}",
    "alter table {0} rename to {1}_of_others",
    "alter table {0} add column more text default 'x'",
    "alter table {0} rename column {2} to others",
    "create table others as select * from {0}; drop table {0}; "
    "create view {0} as select * from others",
    "create table others as select * from {0}; drop table {0}; "
    "alter table others rename to {0}",
    "create trigger others after insert on {0} begin delete from {1}; end",
    "create index others on {0} ({2})",
    "update {0} set {2} = (select group_concat({2}) from {0})",
    "update {0} set {2} = zeroblob(1000000)",
    "pragma user_version = 77",
    "pragma application_id = 77",
    "pragma journal_mode = delete; pragma page_size = 512; vacuum",
)


def _stated(home: Path, given: list[tuple[str, tuple[str, str], str]]) -> None:
    for statement, (table, column), other in given:
        with (
            closing(sqlite3.connect(home / "study" / "study.db")) as base,
            suppress(sqlite3.Error),  # what does not hold of a schema that is changed
        ):
            base.executescript(statement.format(table, other, column))


def make_data(home: Path, given: tuple[str, list[Any]]) -> None:
    name, edits = given
    place = home / "data"
    place.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (30, 4, 4), np.uint8)
    labels = (np.arange(30) % 3).astype(np.uint8)
    if name == "idx":
        idx_folder(place, packed=len(edits) % 2 == 0)
        _edit(sorted(place.iterdir())[len(edits) % 4], edits)
        return
    _edit(_file(place / f"x.{name}", images, labels), edits)


def _file(path: Path, images: Any, labels: Any) -> Path:
    if path.suffix == ".npz":
        np.savez_compressed(path, x_train=images, y_train=labels)
    elif path.suffix == ".mat":
        from scipy.io import savemat

        savemat(path, {"X": images, "y": labels}, do_compression=True)
    elif path.suffix == ".pt":
        import torch

        torch.save((torch.tensor(images), torch.tensor(labels)), path)
    else:
        rows = [
            ",".join(map(str, (n, *p)))
            for n, p in zip(labels, images[:, 0], strict=True)
        ]
        path.write_text("\n".join(("label,a,b,c,d", *rows)))
    return path


def read_data(law: Law, home: Path, given: tuple[str, Any]) -> None:
    place = home / "data"
    source = place if given[0] in ("idx", *PICTURES) else place / f"x.{given[0]}"
    try:
        load(Data(source=str(source)))
        said = ""
    except NormlabError as error:
        said = str(error)
    assert "\n" not in said, said
    law.codes.append(2 if said else 0)


FILES = ("idx", "npz", "mat", "pt", "csv")
PICTURES = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")


def make_picture(home: Path, given: tuple[str, list[Any]]) -> None:
    form, edits = given
    path = home
    for number in range(12):
        content = io.BytesIO()
        colors = np.random.default_rng(number).integers(0, 256, (9, 8, 3), np.uint8)
        Image.fromarray(colors).save(content, form)
        place = home / "data" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{number}.{form.lower()}"
        path.write_bytes(content.getvalue())
    _edit(path, edits)


def _commands(law: Law, home: Path, words: list[str]) -> None:
    law.holds(*(str(home / "study") if word == "S" else word for word in words))


def _untouched(home: Path, given: Input) -> None:
    pass


OPTIONS = ["--format", "csv", "json", "--json", "-o", "-", "S", "--force", "--claims"]
KINDS: Mapping[str, Kind] = {
    "settings": Kind(EDITS, lambda h, g: _edit(h / "study/study.toml", g), readers),
    "database": Kind(EDITS, lambda h, g: _edit(h / "study/study.db", g), readers),
    "cells": Kind(st.tuples(st.sampled_from(COLUMNS), CELLS), _cell, readers),
    "names": Kind(
        st.tuples(
            st.sampled_from(
                [place for place in COLUMNS if place[1] in ("reason", "status", "arm")]
            ),
            WORDS,
        ),
        _cell,
        readers,
    ),
    "statements": Kind(
        st.lists(
            st.tuples(
                st.sampled_from(STATEMENTS),
                st.sampled_from(COLUMNS),
                st.sampled_from(sorted(_rows.TABLES)),
            ),
            min_size=1,
            max_size=4,
        ),
        _stated,
        readers,
    ),
    "files": Kind(st.tuples(st.integers(0, 99), EDITS), _file_of, readers),
    "arrays": Kind(st.tuples(st.integers(0, 99), EDITS), _array, readers),
    "data": Kind(
        st.tuples(st.sampled_from(FILES), EDITS),
        make_data,
        read_data,
    ),
    "pictures": Kind(
        st.tuples(st.sampled_from(PICTURES), EDITS),
        make_picture,
        read_data,
    ),
    "commands": Kind(
        st.builds(
            lambda verb, words: [verb, *words],
            st.sampled_from(["show", "list", "export", "report"]),
            st.lists(st.sampled_from(OPTIONS) | WORDS, max_size=5),
        ),
        _untouched,
        _commands,
    ),
}
