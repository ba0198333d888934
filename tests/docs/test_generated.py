"""What is made from the code says what the code says."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from types import ModuleType

import pytest
from typer.testing import CliRunner

from normlab.cli.app import app
from normlab.figures.gallery import KINDS
from normlab.report.glossary import GLOSSARY
from normlab.spec import toml
from normlab.spec.nets import NETS
from normlab.spec.norms import FAMILIES
from normlab.spec.study import StudySpec
from tests.docs.pages import DOCS, ROOT, boxes

ONE = re.compile(r"^  (?:-\w, *| {0,6})(--[a-z-]+)", re.MULTILINE)
MADE = (
    "arrays",
    "claims",
    "commands",
    "gallery",
    "glossary",
    "networks",
    "norms",
    "settings",
)


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script of the documents, which finds the others beside it."""
    monkeypatch.syspath_prepend(DOCS)
    return import_module(name)


def text(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("name", MADE)
def test_the_page_is_up_to_date(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    page = script(name, monkeypatch).page
    assert page(text(name)) == text(name), f"docs/{name}.md: run make pages"


def test_whatever_is_made_from_the_code_is_made_by_make_pages() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for page in sorted(DOCS.glob("*.md")):
        if re.search(r"^<!-- \w+: begin -->$", page.read_text("utf-8"), re.MULTILINE):
            assert re.search(rf"^PAGES := .*\b{page.stem}\b", makefile, re.MULTILINE)


def test_every_option_that_help_prints_is_in_the_reference() -> None:
    parts = re.split(r"^## (\w+)$", text("commands"), flags=re.MULTILINE)[1:]
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    helps = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    assert {*sections} == {*re.findall(r"^  ([a-z]+)  ", helps, re.MULTILINE)}
    seen: set[str] = set()
    for command, section in sections.items():
        words = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
        listed = words.output.partition("Options:")[2]
        options = {*ONE.findall(listed)} - {"--help"}
        seen |= options
        assert {o for o in options if f"`{o}`" not in section} == set(), command
    assert len(seen) > 30


def test_every_key_of_a_study_is_in_the_reference() -> None:
    """Those of the file that normlab writes, which knows nothing of the page."""
    written = tomllib.loads(toml.dumps(StudySpec()))
    tables = {key: value for key, value in written.items() if isinstance(value, dict)}
    keys = written.keys() - tables.keys() - {"arms"}
    keys |= {key for table in tables.values() for key in table}
    keys |= {key for key, value in written["arms"][0].items() if value != {}}
    assert len(keys) > 40
    assert {key for key in keys if f"| `{key}` | " not in text("settings")} == set()


def test_the_study_of_the_reference_can_be_read() -> None:
    (box,) = boxes(text("settings"), "toml")
    spec = toml.loads(box.text, where="settings.md")
    assert [arm.name for arm in spec.arms] == ["none", "small-chunks"]
    assert len(spec.sweep.points) == 2


def test_every_norm_and_network_has_a_row_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w[\w-]*)` \|", text("norms"), re.MULTILINE)
    assert rows == list(FAMILIES)
    assert re.findall(r"^## (\w+)$", text("networks"), re.MULTILINE) == list(NETS)


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    words = [word.casefold() for word in GLOSSARY]
    assert words == sorted(words)
    assert all(text.endswith((".", ".)")) for text in GLOSSARY.values())


def test_the_words_of_the_architecture_are_in_the_glossary() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    table = page.partition("## Words")[2].partition("## How")[0]
    words = re.findall(r"^\| ([a-z ]+) \|", table, re.MULTILINE)
    inside = {"word", "step state"}
    assert len(words) > 10
    assert {word for word in words if word not in GLOSSARY} <= inside


def test_every_figure_is_in_the_gallery_with_a_small_picture() -> None:
    named = re.findall(r'^result\.plot\("([\w-]+)"\)$', text("gallery"), re.MULTILINE)
    assert sorted(named) == sorted(kind.id for kind in KINDS)
    folder = DOCS / "pictures" / "gallery"
    sizes = {path.stem: path.stat().st_size for path in folder.glob("*.png")}
    assert sizes.keys() <= {*named}, "docs/pictures/gallery has a picture of no figure"
    assert sum(sizes.values()) < 1_500_000
