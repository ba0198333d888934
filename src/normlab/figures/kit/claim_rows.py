"""Which rows a figure of all claims has, in which panels, and what they are called."""

from __future__ import annotations

import math
from collections.abc import Sequence

from normlab.analysis.claim import Claim
from normlab.analysis.text.words import unit_text


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


def label_of(claim: Claim, *, with_arm: bool, with_place: bool) -> str:
    """What a row is of: in a panel of one claim the place alone."""
    first = claim.where if with_place else f"<b>{claim.id}</b>"
    return f"{first}<br>{claim.labels[0]}" if with_arm else first


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
