"""Write glossary.md from the words that the report explains.

    python docs/glossary.py

What stands between the two marks of the page is replaced.
"""

from __future__ import annotations

from pathlib import Path

from marks import filled

from normlab.report.glossary import GLOSSARY

PAGE = Path(__file__).with_suffix(".md")


def content() -> str:
    """Every word with its meaning, as Sphinx has a glossary."""
    entries = [f"{word}\n    {meaning}\n" for word, meaning in GLOSSARY.items()]
    return "\n".join(("```{glossary}", *entries, "```"))


def page(text: str) -> str:
    """The page with its words as they are now."""
    return filled(text, "glossary", content())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
