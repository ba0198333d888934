"""The examples run as they are."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from normlab.cli import main
from normlab.facade.result import Result

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_the_study_with_a_network_of_its_own_runs(tmp_path: Path) -> None:
    # another copy, so that a run that leaves something behind is found out
    study = shutil.copytree(EXAMPLES / "own_network", tmp_path / "study")
    out = tmp_path / "out"
    command = ["run", str(study / "study.toml"), "--out", str(out), "--quiet"]
    assert main(command) == 0
    record = Result.open(out).record
    assert [run.status for run in record.runs] == ["done"] * 24
    # better than guessing, in whatever arm
    assert all((run.test_accuracy or 0) > 0.3 for run in record.runs)
    assert sorted(p.name for p in study.iterdir() if p.name != "__pycache__") == [
        "net.py",
        "study.toml",
    ]


@pytest.mark.slow
def test_the_script_with_data_of_its_own_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "own_data.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "noisy-shift0.2" in done.stdout
    (folder,) = (tmp_path / "normlab-runs").iterdir()
    assert {run.status for run in Result.open(folder).record.runs} == {"done"}


def test_every_example_is_named_in_the_list() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        if path.name not in ("README.md", "__pycache__"):
            assert f"`{path.name}" in listed
