from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from normlab.facade.result import Result
from normlab.figures.gallery import KINDS
from normlab.report.write import write
from tests.analysis.sweeps import over_rates, rates_spec, valley
from tests.figures.made_up import observed_study

# a study has these if it trains at several rates, or sweeps another setting
OVER_SEVERAL = {"learning-rates", "sweep"}
DRAWN = [kind for kind in KINDS if kind.id not in OVER_SEVERAL]
"""What the study of one rate has."""


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
def swept_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a study over two rates and two batch sizes."""
    spec = rates_spec(0.01, 0.1, sweep={"recipe.batch_size": [8, 64]})
    result = Result(over_rates(spec, valley({"none": 0.01, "batch": 0.1})))
    return write(result, tmp_path_factory.mktemp("swept") / "report.html")


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


def drawn_fully(page: Page) -> None:
    """Scroll down to the end, until every figure that is shown at once is drawn."""
    for plot in page.locator(".plot:not([hidden])").all():
        plot.scroll_into_view_if_needed()
        plot.locator(".main-svg").first.wait_for()
    page.wait_for_timeout(200)  # a change of width is followed after a moment
