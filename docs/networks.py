"""Write the sections of networks.md from the networks that come with normlab.

    python docs/networks.py

What stands between the two marks of the page is replaced.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from marks import filled

from normlab.spec.model import Model
from normlab.spec.nets import NETS

PAGE = Path(__file__).with_suffix(".md")


def section(name: str) -> Iterator[str]:
    """What it is, where it comes from, and what can be varied."""
    text = inspect.getdoc(getattr(import_module(f"normlab.nets.{name}"), name)) or ""
    about, _, rest = text.partition("\nArgs:")
    yield from ("", f"## {name}", "", about.strip())
    if source := re.search(r"^Source: (.+)", rest, re.MULTILINE):
        yield from ("", f"Source: {source[1]}")
    yield from ("", f"    normlab run --model {name}", "")
    yield from ("| key | default | meaning |", "|---|---|---|")
    for key, default in NETS[name].items():
        words = (Model.model_fields[key].description or "").partition("; auto:")[0]
        yield f"| `model.{key}` | {default} | {words} |"


def content() -> str:
    """A section for each network."""
    return "\n".join(line for name in NETS for line in section(name))


def page(text: str) -> str:
    """The page with its sections as they are now."""
    return filled(text, "networks", content())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
