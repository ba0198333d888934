from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from normlab.analysis.result import Result
from normlab.report.write import write
from tests.figures.made_up import observed_study


@pytest.fixture(scope="session")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A study in which everything was measured."""
    return observed_study(tmp_path_factory.mktemp("observed") / "study")


@pytest.fixture(scope="session")
def page_path(observed: Result) -> Path:
    """Its report, written to its folder."""
    assert observed.folder is not None
    return write(observed, observed.folder / "report.html")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium, quiet and alone; without it these tests fail, not skip."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("no chromium found: apt install chromium, or -m 'not browser'")
    return {
        "executable_path": chromium,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }
