"""Write the sections of claims.md from the definitions of the claims.

    python docs/claims.py

What stands between the two marks of the page is replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from marks import filled

from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition

PAGE = Path(__file__).with_suffix(".md")
PHASES = (
    "the start (the first 0.4 % of the steps), the early phase (up to 4 %) and the "
    "rest; each is a component, named by its steps"
)


def section(claim: Definition) -> Iterator[str]:
    """What is stated, how it is measured, and what would change the verdict."""
    statement = claim.statement.format(arm="with a norm", baseline="without")
    yield from ("", f"### {claim.id}", "")
    yield from (f"{statement[:1].upper()}{statement[1:]}.", "")
    yield f"- *Measure:* {claim.measure} (`{claim.unit}`)."
    yield f"- *Effect:* ${claim.formula}$."
    yield f"- *Margin:* {margin(claim)}."
    if "phase" in claim.measure:
        yield f"- *Phases:* {PHASES}."
    if claim.beside:
        beside = "; ".join(second.name for second in claim.beside)
        yield f"- *Shown beside it, not judged:* {beside}."
    yield f"- *Stated or measured by:* {claim.papers}."
    if claim.caveat:
        yield f"- *Caveat:* {claim.caveat}."
    yield f"- *What would change the verdict:* {claim.turns}."


def margin(claim: Definition) -> str:
    """Up to where a difference does not matter, in words."""
    if claim.margin is None:
        return "every difference matters"
    if claim.scale == "ratio":
        share = 100 * (claim.margin - 1)
        return f"{share:.3g} %, a ratio of {claim.margin:g} or its inverse"
    if claim.test == "t":
        return f"{100 * claim.margin:g} points"
    if claim.test == "mcnemar":
        return f"{100 * claim.margin:.3g} % of the pairs"
    return f"{claim.margin:g} steps"


def sections() -> str:
    """One for each claim, in the order in which they are shown."""
    return "\n".join(line for claim in DEFINITIONS for line in section(claim))


def page(text: str) -> str:
    """The page with its sections as they are now."""
    return filled(text, "claims", sections())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
