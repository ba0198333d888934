"""Nothing that a stranger wrote steers the terminal, fakes a line or computes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from normlab.foreign import brief, plain
from tests.resilience.law import Law, changed

EVIL = "\x1b]0;gone\x07\x1b[2J\u202eall claims hold\r\x9b31m\n\nnormlab: fine\u2028x"
SQL = "char(27) || ']0;gone' || char(7) || char(8238) || char(10) || 'normlab: fine'"


@pytest.mark.parametrize(
    "statement",
    [
        f"update runs set status = 'failed', reason = {SQL}",
        f"update measurements set value = json_object('surface', {SQL})",
        f"update measurements set value = json_object({SQL}, 'x')",
        f"update runs set arm = {SQL} where run = 1",
        f"update runs set status = {SQL} where run = 1",
        f"update runs set init_digest = {SQL} where run = 1",
        f"update runs set tensor_digests = json_object({SQL}, 'x') where run = 1",
        f"update epochs set metrics = json_object({SQL}, 1)",
        f"update meta set value = {SQL} where key = 'schema'",
        f"update meta set value = {SQL} where key = 'created'",
    ],
)
def test_what_stands_in_the_database_is_escaped(
    law: Law, folder: Path, statement: str
) -> None:
    changed(folder, statement)
    for words in (("show", folder), ("list", folder.parent)):
        outcome = law.holds(*words)
        assert not any(
            line.startswith("normlab: fine")
            for line in (outcome.out + outcome.err).splitlines()
        )
    law.holds("export", folder, "--format", "csv", "-o", "-")


def test_what_is_typed_is_escaped_and_short(law: Law, tmp_path: Path) -> None:
    law.refuses("run", "--set", f"{EVIL * 1000}=1", "--out", tmp_path / "s")
    law.refuses("run", EVIL)
    law.refuses("show", tmp_path / EVIL)
    law.refuses("run", "--out", tmp_path / EVIL, "--data", EVIL)
    law.refuses(EVIL)


def test_a_folder_whose_name_steers_is_shown_escaped(law: Law, folder: Path) -> None:
    evil = folder.with_name("\x1b[2Jx\u202e\nnormlab: fine")
    folder.rename(evil)
    shown = law.holds("show", evil)
    assert "\\x1b[2Jx\\u202e" in shown.out
    listed = law.holds("list", evil.parent)
    assert len(listed.out.splitlines()) == 2


def test_cells_of_a_csv_compute_nothing(law: Law, folder: Path) -> None:
    names = ["=HYPERLINK(1)", "+1", "-1", "@x", "\x1b[2J=1", "fine"]
    pairs = ", ".join(f"'{name}', 1" for name in names)
    changed(folder, f"update epochs set metrics = json_object({pairs})")
    written = law.holds("export", folder, "--format", "csv", "-o", "-").out
    head, *rows = csv.reader(io.StringIO(written))
    assert not [cell for cell in head if cell.startswith(("=", "+", "-", "@"))]
    assert {"'=HYPERLINK(1)", "'+1", "'-1", "'@x", "\\x1b[2J=1", "fine"} <= set(head)
    assert float(rows[0][head.index("train_loss")]) > 0


def test_numbers_below_zero_stay_numbers(law: Law, folder: Path) -> None:
    changed(folder, "update epochs set train_loss = -0.5")
    written = law.holds("export", folder, "--format", "csv", "-o", "-").out
    head, *rows = csv.reader(io.StringIO(written))
    assert {row[head.index("train_loss")] for row in rows} == {"-0.5"}


@pytest.mark.parametrize("character", [chr(n) for n in (*range(32), 127, 0x9B, 0xAD)])
def test_every_character_that_steers_is_escaped(character: str) -> None:
    assert plain(f"a{character}b").isprintable()
    assert plain(character, keep=character) == character
    assert brief(character).isprintable()


@pytest.mark.parametrize("text", ["größer", "日本", "a b", "⠁⣿", "naïve — 3 × 4"])
def test_words_of_every_language_stay(text: str) -> None:
    assert plain(text) == text
