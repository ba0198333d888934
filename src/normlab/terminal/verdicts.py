"""What was judged, a line for each claim, under what it came to."""

from __future__ import annotations

import re
from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from normlab.analysis.text.answer import parts_text, short
from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.words import count
from normlab.terminal.styled import Line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from normlab.analysis.claim import Claim
    from normlab.analysis.inference.verdict import Verdict
    from normlab.analysis.result import StudyResult
    from normlab.terminal.styled import Block

MANY_CLAIMS = 200  # more are counted


class Group(NamedTuple):
    """Verdicts that stand under one heading."""

    heading: str
    style: str
    verdicts: dict[Verdict, str]
    """Each with the word that tells it apart under the heading."""


GROUPS = (
    Group("Held", "bold green", {"supported": ""}),
    Group(
        "Contradicted or mixed",
        "bold red",
        {"contradicted": "the opposite", "mixed": "mixed"},
    ),
    Group("No difference", "bold cyan", {"no-difference": ""}),
    Group(
        "Open or not measurable",
        "bold",
        {
            "inconclusive": "open",
            "not-enough-seeds": "too few seeds",
            "not-measurable": "not measurable",
        },
    ),
)


def verdict_blocks(result: StudyResult, folder: Path) -> list[Block]:
    """A block for each heading; then what was not judged, and what more seeds bring.

    Args:
        result: The study.
        folder: Where it is kept, as the user wrote it.
    """
    claims = result.claims()
    several = len({(claim.arm, claim.baseline) for claim in claims}) > 1
    blocks = [_block(group, claims, several=several) for group in GROUPS]
    described = sum(claim.verdict == "description" for claim in claims)
    further = []
    if described:
        comparisons = count(described, "comparison")
        told = f"{comparisons} at single settings, not judged: shown by --verbose"
        further.append(Line(told))
    return [*blocks, further, outlook(claims, folder)]


def outlook(claims: Sequence[Claim], folder: Path) -> Block:
    """What more seeds would bring to the open claim that needs fewest; may be empty."""
    found = [
        (int(seeds.replace(",", "")), claim, told)
        for claim in claims
        if claim.verdict == "inconclusive"
        for told, seeds in re.findall(
            r"([^;]* more seeds?[^;]*): normlab resume DIR --seeds ([\d,]+)", claim.note
        )
    ]
    if not found:
        return []
    seeds, claim, told = min(found, key=lambda each: each[0])
    return [
        Line(wrapped(f"Soonest decided is {_quantity(claim)}: {told.strip()}:")),
        Line(f"  normlab resume {quote(str(folder))} --seeds {seeds}"),  # to be copied
    ]


def _block(group: Group, claims: Sequence[Claim], *, several: bool) -> Block:
    those = [claim for claim in claims if claim.verdict in group.verdicts]
    if not those:
        return []
    heading = Line(f"{group.heading}:", group.style)
    if len(those) > MANY_CLAIMS:
        times = Counter(_quantity(claim) for claim in those)
        return [heading, *(Line(wrapped(f"  {n:,} x {t}")) for t, n in times.items())]
    by_arms: dict[tuple[str, str], list[Claim]] = {}
    for claim in those:
        by_arms.setdefault(claim.labels, []).append(claim)
    lines = [heading]
    for labels, of in by_arms.items():
        if several:
            lines.append(Line(wrapped(f"  {labels[0]}, against {labels[1]}")))
        indent = "    " if several else "  "
        lines += [Line(wrapped(indent + _line(claim, group))) for claim in of]
    return lines


def _line(claim: Claim, group: Group) -> str:
    """What was measured; where nothing was, why."""
    word = group.verdicts[claim.verdict]
    where = "" if claim.compared == "same-rate" else f", {claim.where}"
    if claim.estimate is None:
        why = f" ({short(claim.note)})" if claim.note else ""
        return f"{_quantity(claim)}: {word}{why}{where}"
    if claim.shares:
        measured = claim.numbers
    elif claim.verdict == "mixed":
        measured = f"{_quantity(claim)}: {parts_text(claim)}"
    else:
        measured = claim.numbers.rpartition(f", {claim.side} in")[0]
    return "; ".join(filter(None, (f"{measured}{where}", word, claim.caution)))


def _quantity(claim: Claim) -> str:
    return claim.definition.quantity or claim.id
