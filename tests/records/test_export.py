"""Tables as files: every value survives, names do no harm, names and formats agree."""

from __future__ import annotations

import builtins
import csv
import io
import json
import math
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from normlab.errors import BadFolder, BadSetting
from normlab.records.export import SUFFIXES, export, exported, form_of

TABLE: dict[str, list[Any]] = {
    "arm": ["none", "=HYPERLINK(1)", "50 % & a_b"],
    "loss": [1 / 3, math.nan, 1e-300],
    "seed": [0, 1, None],
}


def test_floats_survive_csv_to_the_last_bit() -> None:
    lines = list(csv.DictReader(io.StringIO(exported(TABLE, "csv").decode())))
    assert float(lines[0]["loss"]) == 1 / 3
    assert float(lines[2]["loss"]) == 1e-300
    assert lines[2]["seed"] == ""


def test_no_spreadsheet_computes_a_name() -> None:
    lines = list(csv.DictReader(io.StringIO(exported(TABLE, "csv").decode())))
    assert lines[1]["arm"] == "'=HYPERLINK(1)"


def test_json_has_an_object_for_each_row_and_null_for_what_is_not_finite() -> None:
    rows = json.loads(exported(TABLE, "json"))
    assert rows[0] == {"arm": "none", "loss": 1 / 3, "seed": 0}
    assert rows[1]["loss"] is None
    whole = {"schema": 1, "runs": []}
    assert json.loads(exported(whole, "json")) == whole


def test_parquet_holds_the_same_table(tmp_path: Path) -> None:
    parquet = import_module("pyarrow.parquet")
    export(TABLE, "parquet", tmp_path / "runs.parquet")
    found = parquet.read_table(tmp_path / "runs.parquet").to_pydict()
    assert str(found) == str(TABLE)  # nan is unequal to itself


def test_latex_escapes_names_and_sets_numbers_to_the_right() -> None:
    text = exported(TABLE, "latex").decode()
    assert text.startswith("\\begin{tabular}{lrr}\n\\hline\narm & loss & seed \\\\\n")
    assert "none & 0.3333 & 0 \\\\" in text
    assert "50 \\% \\& a\\_b & $10^{-300}$ & -- \\\\" in text
    assert text.endswith("\\hline\n\\end{tabular}\n")


HOSTILE = [*"&%$#_{}~^\\", "\\input{/etc/passwd}", "a\nb", "\x1b[31m", "\u202e"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_is_a_command_of_tex(name: str) -> None:
    (row,) = re.findall(
        r"^(.*) \\\\$", exported({"x": [name]}, "latex").decode(), re.M
    )[1:]
    bare = re.sub(r"\\[&%$#_{}]|\\text(backslash|asciitilde|asciicircum)\{\}", "", row)
    assert not set(bare) & set("&%$#_{}~^\\\n\x1b\u202e")


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(BadSetting, match=r"pip install 'normlab\[parquet\]'"):
        export(TABLE, "parquet", tmp_path / "runs.parquet")
    assert not (tmp_path / "runs.parquet").exists()


@pytest.mark.parametrize("form", SUFFIXES)
def test_a_format_is_said_by_its_name_or_by_that_of_the_file(form: str) -> None:
    file = Path(f"x{SUFFIXES[form].upper()}")
    assert (
        form_of(file, None) == form_of(file, form) == form_of(Path("-"), form) == form
    )


WRONG = [
    ("x.csv", "json", r"--format=json contradicts the name x\.csv"),
    ("x.csv", "cvs", r"--format=cvs is unknown. Known: csv, json, parquet, latex\."),
    ("x.xlsx", "xlsx", r"--format=xlsx is unknown\. Known: csv"),
    ("x.xlsx", None, r"x\.xlsx: which format is not said"),
    ("-", None, r"Give --format csv\|json\|parquet\|latex"),
]


@pytest.mark.parametrize(("file", "form", "text"), WRONG)
def test_what_is_unknown_or_contradicts_is_refused(
    file: str, form: str | None, text: str
) -> None:
    with pytest.raises(BadSetting, match=text):
        form_of(Path(file), form)


def test_a_file_that_cannot_be_written_is_named_and_no_rest_stays(
    tmp_path: Path,
) -> None:
    with pytest.raises(BadFolder, match=r"x\.csv: cannot be used \(No such file"):
        export(TABLE, "csv", tmp_path / "none" / "x.csv")
    (tmp_path / "taken").mkdir()
    with pytest.raises(BadFolder, match=r"taken is a folder\. Name a file in it"):
        export(TABLE, "csv", tmp_path / "taken")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("form", [form for form in SUFFIXES if form != "parquet"])
def test_a_table_without_rows_can_be_exported(form: str) -> None:
    assert exported({"arm": [], "loss": []}, form)


def test_a_file_of_another_kind_is_not_replaced(tmp_path: Path) -> None:
    precious = tmp_path / "study.db"
    precious.write_bytes(b"years of work")
    with pytest.raises(BadFolder, match=r"study\.db exists and is no \.csv file"):
        export(TABLE, "csv", precious)
    assert precious.read_bytes() == b"years of work"
