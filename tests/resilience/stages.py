"""The stages of a study, as they can be seen from outside."""

from __future__ import annotations

import time
from pathlib import Path

from tests.resilience.home import LIMIT, Command

STAGES = {
    "making": 3.0,
    "training": 0.3,
    "probes": 0.2,
    "surfaces": 0.8,
    "cost": 0.3,
    "closing": 0.08,
    "report": 1.0,
}
"""In their order, and about how many seconds each takes."""
_SAYS = {
    "making": "",
    "training": "steps left",
    "surfaces": "measuring ",
    "cost": "what a step costs",
    "closing": "what a step costs",
    "report": "all runs, reasons and charts",
}


def wait_for(stage: str, command: Command, study: Path) -> bool:
    """Wait until a command has come to a stage of its study; whether it has."""
    before = _arrays(study)
    end = time.monotonic() + LIMIT
    while command.alive and time.monotonic() < end:
        if _is_there(stage, command, study, before):
            return True
        time.sleep(0.002)
    return False


def _is_there(stage: str, command: Command, study: Path, before: set[Path]) -> bool:
    if stage == "probes":  # what they saw is written as a run ends
        return bool(_arrays(study) - before)
    if _SAYS[stage] not in command.said():
        return False
    return stage != "closing" or not (study / "checkpoints").exists()


def _arrays(study: Path) -> set[Path]:
    return set(study.glob("arrays/*/*.npz"))
