"""Which rows a figure of all claims has, in which panels, and what they are called."""

from __future__ import annotations

import math
from collections.abc import Sequence

from normlab.analysis.claim import Claim
from normlab.analysis.text.words import effect_text, unit_text, upper

MOST = 36  # characters of a line on a phone


def panels_of(claims: Sequence[Claim], *, by_claim: bool) -> list[list[Claim]]:
    """Claims that share a panel: of one claim, or of one axis; ratios come first.

    Panels of one claim that was measured nowhere are left out.
    """
    found: dict[tuple[str, str], list[Claim]] = {}
    for claim in sorted(claims, key=lambda c: c.definition.scale != "ratio"):
        key = (axis_of(claim), claim.id if by_claim else "")
        found.setdefault(key, []).append(claim)
    groups = list(found.values())
    return [g for g in groups if not by_claim or any(map(measured, g))]


def words_of(
    claim: Claim, *, with_arm: bool, with_place: bool, with_rate: bool
) -> list[str]:
    """Lines above a row: what or where it is, the arm, and the effect.

    Below each other, because a phone has no room beside them.
    """
    lines = (
        _places(claim, with_rate=with_rate)
        if with_place
        else [f"<b>{called(claim)}</b>"]
    )
    if with_arm:
        lines.append(claim.labels[0])
    effect = "not measured"
    if claim.estimate is not None and measured(claim):
        effect = effect_text(claim.estimate, claim.definition)
        if claim.verdict != "description":
            effect += f", {claim.verdict.replace('-', ' ')}"
    return [*lines, effect]


def _places(claim: Claim, *, with_rate: bool) -> list[str]:
    """A long place in a line for each of its settings."""
    where = claim.where
    if not with_rate:  # it is the same everywhere
        where = where.removeprefix(f"lr {claim.rate:g}, ")
    return [where] if len(where) <= MOST else where.split(", ")


def called(claim: Claim) -> str:
    """What was measured, as the table of verdicts has it."""
    return upper(claim.definition.quantity or claim.id)


def several_places(claims: Sequence[Claim]) -> bool:
    """Whether claims were taken at several rates or points, so that rows must say."""
    return len({claim.where for claim in claims}) > 1


def measured(claim: Claim) -> bool:
    """Whether there is a number to draw."""
    return claim.estimate is not None and math.isfinite(claim.estimate)


def axis_of(claim: Claim) -> str:
    """What the axis of a claim counts."""
    if claim.definition.scale == "ratio":
        return "times the baseline's"
    unit = unit_text(claim.definition)
    return {"points": "percentage points", "% of pairs": "percentage points"}.get(
        unit, unit
    )
