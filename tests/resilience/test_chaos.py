"""Short forms of `make chaos`: interrupted studies become what they would have been."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resilience.__main__ import main
from tests.resilience.stages import STAGES

ROUNDS = 9
assert len(STAGES) <= ROUNDS  # every stage is hit
NOTHING = {"rounds": "0", "races": "0", "exact": "none", "wants": "none"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "much"), [("rounds", str(ROUNDS)), ("exact", "short"), ("wants", "short")]
)
def test_studies_become_what_they_would_have_been(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, what: str, much: str
) -> None:
    options = [f"--{name}={value}" for name, value in {**NOTHING, what: much}.items()]
    code = main([*options, f"--home={tmp_path}"])
    assert code == 0, capfd.readouterr().err
