"""Whatever a study.db holds: every reader ends, in time, with an answer or one line."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normlab.records import _rows
from tests.resilience.law import Law, changed, contents

DEEP = "[" * 50_000
DIGITS = "9" * 5_000
STATEMENTS = [
    ("meta.value", "insert or replace into meta values ('network_notes', '{')"),
    ("meta.value", "insert or replace into meta values ('network_differences', '3')"),
    ("meta.value", "insert or replace into meta values ('largest_class', 'x')"),
    ("meta.value", "insert or replace into meta values ('starts', '[]')"),
    ("meta.value", f"insert or replace into meta values ('classes', '{DIGITS}')"),
    ("meta.value", "insert or replace into meta values ('classes', '-1')"),
    (
        "measurements.value",
        "insert or replace into measurements values ('notes', '[1]')",
    ),
    ("runs.tensor_digests", "update runs set tensor_digests = 'x'"),
    ("runs.tensor_digests", "update runs set tensor_digests = '[1]'"),
    ("runs.correct", "update runs set correct = 'abc'"),
    ("runs.images", "update runs set images = 1000000000"),
    ("runs.images", "update runs set correct = zeroblob(0), images = 0"),
    ("runs.rate", "update runs set rate = 'x' where run = 1"),
    ("runs.rate", "update runs set rate = -1e400 where run = 1"),
    ("runs.arm", "update runs set arm = 'stranger' where run = 1"),
    ("runs.arm", "update runs set arm = '../../etc' where run = 1"),
    ("runs.seed", "update runs set seed = 9223372036854775807 where run = 1"),
    ("runs.status", "update runs set status = char(27) || ']0;gone' || char(7)"),
    ("runs.point", "update runs set point = '[[1]]' where run = 1"),
    ("runs.point", "update runs set point = '5' where run = 1"),
    ("runs.reason", "update runs set reason = x'00ff' where run = 1"),
    ("runs.diverged_step", "update runs set diverged_step = 'soon' where run = 1"),
    ("epochs.test_accuracy", "update epochs set test_accuracy = ''"),
    ("epochs.metrics", "update epochs set metrics = 'no json'"),
    ("epochs.metrics", 'update epochs set metrics = \'{"a": "b"}\''),
    ("epochs.metrics", f"update epochs set metrics = '{{\"a\": {DIGITS}}}'"),
    ("epochs.seconds", "update epochs set seconds = 'x'"),
    ("glimpses.loss", "update glimpses set loss = 'x'"),
    ("steps.losses", "update steps set losses = 'abcd'"),
    ("steps.last", "update steps set last = 1000000000 where run = 1"),
    ("measurements.value", f"update measurements set value = '{DEEP}'"),
    ("measurements.value", "update measurements set value = '[]'"),
    ("measurements.value", "update measurements set value = '{\"a\": {}}'"),
    ("meta.value", "update meta set value = 'x' where key = 'kept_arrays'"),
    ("meta.value", "update meta set value = '[\"../../x\"]' where key = 'kept_arrays'"),
    ("meta.value", f"update meta set value = '{DEEP}' where key = 'kept_arrays'"),
    ("meta.value", "insert into meta values ('networks', '[]')"),
]


@pytest.mark.parametrize(("place", "statement"), STATEMENTS)
def test_a_cell_of_another_kind_is_named(
    law: Law, folder: Path, place: str, statement: str
) -> None:
    changed(folder, statement)
    table, column = place.split(".")
    told = law.refuses("show", folder)
    assert "study.db is damaged" in told or "Could not decode" in told
    assert f"table {table}, column {column}: " in told
    law.holds("list", folder.parent)


@pytest.mark.parametrize("key", ["schema", "created", "study_toml", "kept_arrays"])
def test_text_that_is_none_is_told(law: Law, folder: Path, key: str) -> None:
    changed(folder, f"update meta set value = cast(x'ff' as text) where key = '{key}'")
    assert "study.db is damaged" in law.refuses("show", folder)
    assert "cannot be read: study.db is damaged" in law.holds("list", folder.parent).out


SCHEMAS = {
    "view": "create view spare as select 1",
    "trigger": "create trigger spare after insert on meta begin select 1; end",
    "index": "create index spare on runs (abs(seed))",
    "table": "create table spare (x)",
    "virtual": "create virtual table spare using fts5(x)",
}
ENDLESS = (
    "create view {0} as with recursive n(i) as "
    "(select 1 union all select i + 1 from n) select i, i, i, i, i from n"
)


@pytest.mark.parametrize("statement", SCHEMAS.values(), ids=SCHEMAS)
def test_what_normlab_never_made_is_not_read(
    law: Law, folder: Path, statement: str
) -> None:
    changed(folder, statement)
    assert "not of normlab" in law.refuses("show", folder)


@pytest.mark.parametrize("table", _rows.TABLES)
def test_a_table_that_is_a_program_is_not_asked(
    law: Law, folder: Path, table: str
) -> None:
    changed(folder, f"drop table {table}", ENDLESS.format(table))
    assert f"it holds the view '{table}'" in law.refuses("show", folder)
    assert "cannot be read: study.db is damaged" in law.holds("list", folder.parent).out


@pytest.mark.parametrize(
    "column",
    ["metrics text as (hex(zeroblob(100000000)))", "metrics text check (1 = 1)"],
)
def test_columns_that_compute_are_not_asked(
    law: Law, folder: Path, column: str
) -> None:
    changed(folder, "drop table epochs", f"create table epochs (run, epoch, {column})")
    assert "it holds the table 'epochs', not of normlab" in law.refuses("show", folder)


def test_pages_that_give_the_same_rows_for_ever_are_left(
    law: Law, folder: Path
) -> None:
    """An interior page whose cells all lead to one leaf: rows without end."""
    changed(
        folder,
        "insert into glimpses with recursive n(i) as (select 1000 union all "
        "select i + 1 from n where i < 40000) select 1, i, 0.1, 0.2 from n",
    )
    file = folder / "study.db"
    data = bytearray(file.read_bytes())
    size = struct.unpack(">H", data[16:18])[0]
    spoilt = 0
    for start in range(size, len(data), size):
        if data[start] != 2:  # an interior page of a table without row numbers
            continue
        cells = struct.unpack(">H", data[start + 3 : start + 5])[0]
        places = struct.unpack(f">{cells}H", data[start + 12 : start + 12 + 2 * cells])
        first = data[start + places[0] : start + places[0] + 4]
        for place in places:
            data[start + place : start + place + 4] = first
        spoilt += 1
    assert spoilt
    file.write_bytes(data)
    law.holds("show", folder)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1))
def test_flipped_bits_of_a_database(
    law: Law, pattern: Path, flips: list[tuple[float, int]]
) -> None:
    with tempfile.TemporaryDirectory() as home:
        folder = Path(shutil.copytree(pattern, Path(home) / "study"))
        file = folder / "study.db"
        data = bytearray(file.read_bytes())
        for share, bit in flips:
            data[int(share * (len(data) - 1))] ^= 1 << bit
        file.write_bytes(data)
        before = contents(Path(home))
        law.holds("show", folder)
        law.holds("list", home)
        law.holds("export", folder, "--format", "csv", "-o", "-")
        assert contents(Path(home)) == before


CELLS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.sampled_from(["{}", "[]", "[[", '{"a": 1e999}', '"x"', "null", DEEP]),
)
PLACES = st.sampled_from(
    [(table, column) for table, columns in _rows.TABLES.items() for column in columns]
)


@settings(
    max_examples=70,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(place=PLACES, cell=CELLS, everywhere=st.booleans())
def test_any_value_in_any_cell(
    law: Law, pattern: Path, place: tuple[str, str], cell: object, everywhere: bool
) -> None:
    table, column = place
    with tempfile.TemporaryDirectory() as home:
        folder = Path(shutil.copytree(pattern, Path(home) / "study"))
        with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
            where = (
                ""
                if everywhere
                else f" where {column} = (select max({column}) from {table})"
            )
            with suppress(sqlite3.IntegrityError, UnicodeEncodeError):
                connection.execute(f"update {table} set {column} = ?{where}", (cell,))
        law.holds("show", folder)
        law.holds("show", folder, "--json")
        law.holds("list", home)
        law.holds("export", folder, "--format", "csv", "-o", "-")


NAMES = [b"meta", b"runs", b"epochs", b"glimpses", b"steps", b"measurements"]


@pytest.mark.parametrize("byte", [0x92, 0xFF, 0x00])
@pytest.mark.parametrize("name", NAMES)
def test_a_schema_that_is_no_utf8_is_damage(
    law: Law, folder: Path, name: bytes, byte: int
) -> None:
    """SQLite quotes what it cannot read, and Python cannot decode what it quotes."""
    whole = (folder / "study.db").read_bytes()
    places = [
        at for at in range(len(whole)) if whole.startswith((b"TABLE " + name), at)
    ]
    assert places
    for at in places:
        for offset in (2, 5, 6, 7):
            turned = bytearray(whole)
            turned[at + offset] = byte
            (folder / "study.db").write_bytes(turned)
            law.holds("show", folder)
            law.holds("list", folder.parent)
