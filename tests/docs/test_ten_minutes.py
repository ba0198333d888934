"""The way from a script to a verdict is gone as it is written, in its order."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from torch import nn

from normlab.base.streams import seeded
from normlab.cli import main
from normlab.facade.result import Result
from tests.docs.pages import DOCS, boxes

PAGE = (DOCS / "ten-minutes.md").read_text("utf-8")


@pytest.mark.slow
def test_whoever_goes_the_way_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    with seeded("ten minutes"):
        for box in boxes(PAGE, "console", "python"):
            if box.text.startswith("# net.py\n"):
                Path("net.py").write_text(box.text)
            if box.language == "python":
                exec(box.text, names)
            for line in box.text.splitlines() if box.language == "console" else ():
                prompt, program, *words = shlex.split(line)
                assert (prompt, program) == ("$", "normlab")
                assert main(words) == 0, line
    said = capsys.readouterr().out
    assert "answers: logits (2, 2), features (2, 8, 6, 6)" in said
    for study in ("verdict", "tuned"):
        runs = Result.open(study).record.runs
        assert [run.status for run in runs] == ["done"] * 9
        assert Path(study, "report.html").exists()
    starts = {run.init_digest for run in Result.open("tuned").record.runs}
    assert len(starts) == 1
    assert isinstance(names["net"], nn.Module)
    assert isinstance(names["net"].get_submodule("bn"), nn.GroupNorm)


def test_every_command_of_the_way_is_in_a_box_that_is_run() -> None:
    consoles = "".join(box.text for box in boxes(PAGE, "console"))
    lines = [line for line in PAGE.splitlines() if line.startswith("$ ")]
    assert len(lines) == 4 and all(line in consoles for line in lines)
