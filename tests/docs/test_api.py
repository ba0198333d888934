"""The reference lists the public names, by the names that users write."""

from __future__ import annotations

import re

import pytest

import normlab
from tests.docs.pages import DOCS

PAGES = {page.stem: page.read_text("utf-8") for page in (DOCS / "api").glob("*.md")}
LISTED = re.findall(
    r"^\.\. auto(?:function|class|exception):: (\S+)$",
    "\n".join(PAGES.values()),
    re.MULTILINE,
)


@pytest.mark.parametrize("name", [n for n in normlab.__all__ if n != "__version__"])
def test_every_public_name_has_its_entry(name: str) -> None:
    assert f"normlab.{name}" in LISTED
    assert f"normlab.{name}`" in PAGES["index"], "the table of docs/api/index.md"


def test_no_public_name_is_listed_by_where_it_lives() -> None:
    public = {*normlab.__all__}
    deep = [name for name in LISTED if name.count(".") > 1]
    assert [name for name in deep if name.rpartition(".")[2] in public] == []


def test_every_page_of_the_reference_is_in_its_list() -> None:
    listed = PAGES["index"].partition("```{toctree}")[2].partition("```")[0].split()
    assert {*PAGES} - {"index"} <= {*listed}
