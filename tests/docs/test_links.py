"""What pages link to is there, and readers find what they seek."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("*/README.md")])
OWN = [page for page in PAGES if "_build" not in page.parts]


@pytest.mark.parametrize("page", OWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^()\s]+)\)", text):
        target = link.partition("#")[0]
        if target and "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name}: {link}"


@pytest.mark.parametrize(
    ("sought", "page"),
    [
        ("install", "install"),
        ("gpu", "install"),
        ("gpu", "questions"),
        ("quickstart", "first-steps"),
        ("seeds", "questions"),
        ("group norm", "questions"),
    ],
)
def test_a_page_has_the_words_by_which_it_is_sought(sought: str, page: str) -> None:
    text = (DOCS / f"{page}.md").read_text("utf-8").casefold()
    assert re.search(rf"\b{sought}", text)


def test_every_page_can_be_reached_from_the_first() -> None:
    listed = {
        line.strip()
        for page in OWN
        for box in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(), re.DOTALL)
        for line in box.splitlines()
    }
    for page in DOCS.glob("*.md"):
        assert page.stem in listed | {"index"}, page.name
