"""Interrupted studies become what they would have been; `make chaos` tries more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resilience.__main__ import main
from tests.resilience.stages import STAGES

ROUNDS = 9
assert len(STAGES) <= ROUNDS  # every stage is hit


def test_interrupted_studies_become_what_they_would_have_been(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = main(["--rounds", str(ROUNDS), "--home", str(tmp_path)])
    assert code == 0, capfd.readouterr().err
