"""What help() says of a public name is complete and fits its signature."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import normlab
from normlab import errors
from normlab.landscape import surface as landscape

NAMES = [name for name in normlab.__all__ if not name.startswith("__")]
OWN = {"forward", "extra_repr"}  # methods that torch documents


def members(name: str) -> list[tuple[str, Any]]:
    """A public name, and the public methods that its class defines."""
    thing = getattr(normlab, name)
    found = [(name, thing)]
    if inspect.isclass(thing):
        found += [
            (f"{name}.{method}", getattr(thing, method))
            for method, value in vars(thing).items()
            if callable(getattr(thing, method))
            and not method.startswith("_")
            and method not in OWN
            and not isinstance(value, property)
        ]
    return found


# an exception takes what a message is made of, and has no signature
TAKING = [name for name in NAMES if name != "NormlabError"]
CALLABLES = dict(pair for name in TAKING for pair in members(name))


def section(text: str, title: str) -> str:
    """The indented lines below `title:`."""
    found = re.search(rf"^{title}:\n((?:[ ]+.*\n|\n)*)", f"{text}\n", re.MULTILINE)
    return found.group(1) if found else ""


def arguments(what: Any) -> dict[str, str]:
    """What the docstring says of each argument, in its order."""
    listed = section(inspect.getdoc(what) or "", "Args")
    entries = re.split(r"^ {4}(?=\w+: )", listed, flags=re.MULTILINE)[1:]
    return {
        name: " ".join(text.split())
        for name, _, text in (entry.partition(": ") for entry in entries)
    }


@pytest.mark.parametrize("name", CALLABLES)
def test_every_argument_is_described(name: str) -> None:
    signature = inspect.signature(CALLABLES[name])
    expected = [p for p in signature.parameters if p not in ("self", "cls")]
    assert list(arguments(CALLABLES[name])) == expected


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_has_a_line_that_runs(name: str) -> None:
    assert ">>> " in (inspect.getdoc(getattr(normlab, name)) or "")


# what normlab alone makes, and what only holds a text
NEVER_FAIL = {"Result", "Twins", "Omitted", "pause_statistics"}


@pytest.mark.parametrize("name", [name for name in TAKING if name not in NEVER_FAIL])
def test_what_can_be_called_says_how_it_fails(name: str) -> None:
    text = section(inspect.getdoc(getattr(normlab, name)) or "", "Raises")
    named = re.findall(r"^ {4}(\w+): ", text, re.MULTILINE)
    assert named
    assert {*named} <= {*vars(errors), "KeyboardInterrupt", "ValueError"}


def test_one_keyword_has_one_description() -> None:
    study, compare = arguments(normlab.Study), arguments(normlab.compare)
    run = arguments(normlab.Study.run)
    assert compare == {**study, **run}


def test_a_surface_is_drawn_of_all_that_can_be_measured() -> None:
    drawn, measured = map(inspect.signature, (normlab.surface, landscape.surface))
    assert list(drawn.parameters.values()) == list(measured.parameters.values())


def test_help_names_what_there_is() -> None:
    text = inspect.getdoc(normlab) or ""
    assert all(f"`{name}" in text for name in NAMES)


@pytest.mark.parametrize("error", errors.NormlabError.__subclasses__())
def test_every_error_says_when_it_is_raised(error: type) -> None:
    assert vars(error).get("__doc__")
