"""The first steps are taken as they are written, in their order."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from normlab.cli import main
from normlab.facade.result import Result
from normlab.records.rows import ENDED
from tests.docs.pages import DOCS, boxes

PAGE = (DOCS / "first-steps.md").read_text("utf-8")


@pytest.mark.slow
def test_whoever_follows_the_first_steps_gets_what_they_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for box in boxes(PAGE, "console", "python"):
        if box.language == "python":
            exec(box.text, names)
        for line in box.text.splitlines() if box.language == "console" else ():
            prompt, program, *words = shlex.split(line)
            assert (prompt, program) == ("$", "normlab")
            assert main(words) == 0, line
    for study, runs in {"first": 6, "rates": 16, "norms": 9, "changed": 6}.items():
        record = Result.open(study).record
        ended = [run.status for run in record.runs if run.status in ENDED]
        assert len(ended) == len(record.runs) == runs
        assert "diverged" not in ended or study == "rates"
        assert Path(study, "report.html").exists()
    # a row for each run and epoch below the names of the columns
    assert len(Path("first.csv").read_text().splitlines()) == 1 + 6
    assert str(names["result"]) == str(Result.open("first"))


def test_every_command_of_the_first_steps_is_in_a_box_that_is_run() -> None:
    consoles = "".join(box.text for box in boxes(PAGE, "console"))
    lines = [line for line in PAGE.splitlines() if line.startswith("$ ")]
    assert len(lines) > 4 and all(line in consoles for line in lines)
