"""What axe-core finds in reports of every kind, at every width, on either paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from normlab.facade.result import Result
from normlab.report.write import write
from tests.analysis.studies import accuracy_study

from .conftest import drawn_fully

pytestmark = pytest.mark.browser
WIDTHS = (390, 768, 1280)
PATIENCE = 120_000  # milliseconds: everything is drawn anew, on a machine that is busy
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def report_of(
    page_path: Path, swept_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The report of a study of each kind; every figure is in that of one rate."""
    folder = tmp_path_factory.mktemp("kinds")

    def path(kind: str) -> Path:
        record = accuracy_study([0.010, 0.011, 0.012, 0.011])
        match kind:
            case "one rate":
                return page_path
            case "sweep":
                return swept_path
            case "experiment":
                spec = record.spec.model_copy(update={"experiment": "paper-speed"})
                record = replace(record, spec=spec)
            case _:
                *ended, last = record.runs
                runs = (*ended, replace(last, status="interrupted"))
                record = replace(record, runs=runs)
        return write(Result(record), folder / f"{kind}.html")

    return path


@pytest.mark.parametrize("kind", ["one rate", "sweep", "experiment", "unfinished"])
def test_nothing_serious_is_found(
    browser: Browser, report_of: Callable[[str], Path], kind: str
) -> None:
    context = browser.new_context(offline=True, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(report_of(kind).as_uri())
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            drawn_fully(page)
            found += [
                (width, scheme, fault["id"], fault["nodes"][0]["html"][:200])
                for fault in Axe().run(page).response["violations"]
                if fault["impact"] in SERIOUS
            ]
    context.close()
    assert found == []


def test_a_figure_is_one_stop_of_the_keyboard(
    browser: Browser, page_path: Path
) -> None:
    """Beside its links, what opens below it, and a slider with its button."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(page_path.as_uri())
    drawn_fully(page)
    stops = page.evaluate(
        """() => [...document.querySelectorAll('.plot')].map((plot) => [
          plot.dataset.figure,
          [...plot.querySelectorAll('*')].filter((one) => one.tabIndex >= 0).length,
        ]).filter(([_, count]) => count > 0)"""
    )
    context.close()
    assert stops == []


def test_numbers_without_a_script_are_fit_to_be_read_aloud(
    browser: Browser, page_path: Path
) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(page_path.as_uri())
    heads = page.locator("noscript th").all_inner_texts()
    context.close()
    assert heads
    assert all(heads)
