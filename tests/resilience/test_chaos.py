"""The short form of `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resilience.__main__ import main
from tests.resilience.stages import STAGES

ROUNDS = 15
assert len(STAGES) <= ROUNDS  # every stage is hit


@pytest.mark.slow
def test_disturbed_studies_become_what_they_would_have_been(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    # races are in test_making.py
    short = ["--races=0", "--exact=short", "--wants=short"]
    code = main([f"--rounds={ROUNDS}", *short, f"--home={tmp_path}"])
    assert code == 0, capfd.readouterr().err
