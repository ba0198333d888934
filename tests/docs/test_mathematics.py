"""Formulas of docstrings reach the documents as formulas."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

from tests.docs.pages import DOCS, ROOT

SOURCES = sorted((ROOT / "src" / "normlab").rglob("*.py"))
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$`\"']+?)\$", re.DOTALL)


@pytest.fixture
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)


@pytest.mark.usefixtures("_scripts")
@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["$a$ and $b$"], [":math:`a` and :math:`b`"]),
        (["a $x$s, 2$x$"], ["a :math:`x`\\ s, 2\\ :math:`x`"]),
        (["over $a", "  + b$ it"], ["over :math:`a + b` it"]),
        (["`$x` and ``$y$``"], ["`$x` and ``$y$``"]),
        (["    >>> run('$x$')"], ["    >>> run('$x$')"]),
        (["costs 5 $."], ["costs 5 $."]),
    ],
)
def test_a_dollar_is_read_as_a_formula_or_left_alone(
    written: list[str], read: list[str]
) -> None:
    assert import_module("mathematics").restructured(written) == read


@pytest.mark.usefixtures("_scripts")
def test_no_docstring_loses_a_command() -> None:
    """Whatever stands between dollars in the source is there behind a role, too."""
    restructured = import_module("mathematics").restructured
    seen = 0
    for path in SOURCES:
        for text in re.findall(r'r"""(.+?)"""', path.read_text("utf-8"), re.DOTALL):
            commands = [
                command
                for found in FORMULA.finditer(text)
                for command in re.findall(r"\\[a-zA-Z]+", found[0])
            ]
            made = "\n".join(restructured(text.split("\n")))
            kept = re.findall(r":math:`[^`]*`|\.\. math::\n\n.*", made)
            for command in {*commands}:
                count = commands.count(command)
                assert "".join(kept).count(command) >= count, (path, command)
            seen += len(commands)
    assert seen > 100


def test_a_formula_whose_backslashes_python_would_take_is_in_a_raw_docstring() -> None:
    for path in SOURCES:
        for text in re.findall(
            r'(?<!r)"""(.+?)"""', path.read_text("utf-8"), re.DOTALL
        ):
            for found in FORMULA.finditer(text):
                assert "\\" not in found[0], (path, found[0])


@pytest.mark.usefixtures("_scripts")
@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<p>is <math alttext="\\frac1n"><mi>n</mi></math></p>', 0),
        ("<p>run <code>echo $x</code></p><pre>\\frac</pre>", 0),
        ("<p>is $x$</p>", 2),
        ("<p>is \\bar x</p>", 1),
        ('<p>is <math alttext="bar x"></math></p>', 1),
    ],
)
def test_a_page_with_a_broken_formula_is_found_out(html: str, found: int) -> None:
    assert len(list(import_module("faults").faults(html))) == found
