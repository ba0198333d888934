"""What stands of a claim that was judged at several looks, or by several groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from normlab.analysis.claim import Claim
from normlab.analysis.inference.verdict import DECIDED, DESCRIBED
from normlab.analysis.text.words import seeds_text

_SILENT = {DESCRIBED.verdict, "not-measurable"}


def as_decided(looks: Sequence[Sequence[Claim]]) -> list[Claim]:
    """Each claim at the first look that decided it, else at the last one.

    What the seeds since then say is named beside it, as description. A claim that there
    was nothing to make of at an earlier look has none there.

    Args:
        looks: All claims at looks at more and more seeds.
    """
    before = [{_name(claim): claim for claim in claims} for claims in looks[:-1]]
    return [
        _decided([of[_name(last)] for of in before if _name(last) in of], last)
        for last in looks[-1]
    ]


def _decided(before: Sequence[Claim], last: Claim) -> Claim:
    first = next((claim for claim in before if claim.verdict in DECIDED), None)
    if first is None:
        return last
    since = (
        f"decided by the look at {len(first.look)} seeds, and a decision stays; all "
        f"{len(last.look)} seeds so far: {last.numbers}"
    )
    return replace(first, note=f"{first.note}; {since}")


def beside_others(groups: Sequence[Sequence[Claim]]) -> list[Claim]:
    """The claims of the newest seeds, which were judged by themselves.

    Args:
        groups: The claims as each group of seeds has them, the oldest first.
    """
    before = [{_name(claim): claim for claim in claims} for claims in groups[:-1]]
    return [
        _beside([of[_name(last)] for of in before if _name(last) in of], last)
        for last in groups[-1]
    ]


def _beside(before: Sequence[Claim], last: Claim) -> Claim:
    if not before or {claim.verdict for claim in (*before, last)} <= _SILENT:
        return last
    earlier = "; ".join(
        f"{seeds_text(claim.look)}: {claim.verdict}, {claim.numbers}"
        for claim in before
    )
    alone = f"{seeds_text(last.look)} by themselves; before, {earlier}; each at 5 %"
    return replace(last, note=f"{last.note}; {alone}")


def _name(claim: Claim) -> tuple[str, ...]:
    return claim.id, claim.arm, claim.baseline, claim.where
