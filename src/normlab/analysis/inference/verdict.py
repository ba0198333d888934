"""The verdicts: the rules by which evidence decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from normlab.analysis.inference.component import MIN_SEEDS, Component
from normlab.analysis.inference.evidence import Evidence
from normlab.analysis.inference.holm import Others, holm
from normlab.analysis.inference.reach import can_decide
from normlab.analysis.inference.reasons import (
    equal_text,
    inside_so_far_text,
    missing_text,
    mixed_text,
    not_reached_text,
    objected_text,
    open_text,
    pairs_text,
    significant_text,
    too_few_text,
    too_small_text,
)
from normlab.analysis.inference.resolution import unresolved
from normlab.analysis.inference.spending import LEVEL

Verdict = Literal[
    "supported",
    "contradicted",
    "mixed",
    "no-difference",
    "inconclusive",
    "not-enough-seeds",
    "not-measurable",
    "description",
]
DECIDED = ("supported", "contradicted", "mixed", "no-difference")


class Ruling(NamedTuple):
    """A verdict and its reason, in words."""

    verdict: Verdict
    note: str
    p_holm: float | None = None
    """The corrected p, if there is one."""
    level: float = LEVEL
    """What it had to be below, at the look at which it was judged."""
    final: bool = True
    """Whether that look was the last one declared."""


DESCRIBED = Ruling(
    "description", "not judged: verdicts are given at own best rates and over all rates"
)
"""What stands where no verdict is asked for."""
IN_A_SWEEP = Ruling(
    "description", "not judged by itself: the change along the sweep is"
)
"""The same at a single point of a sweep."""


def judge(evidence: Evidence, others: Others) -> Ruling:
    """Decide what the evidence says, and why.

    In this order: fewer than three effects are not measurable, or not enough where more
    seeds could help. Every 90 % interval inside the margin is no difference, be it ever
    so significant, if the data could have shown more. Components that are all
    significant on one side are supported or contradicted, by the largest p after
    Holm's correction; those significant on both sides are mixed, and so are those that
    a second measure objects to. An exact test that cannot reach the level has not
    enough seeds, unless all are ties; anything else is inconclusive.

    Where more seeds were declared than the look has, significant means below what the
    look may spend, and no difference is left to the last one.

    Pairs that ended without an effect are put where they speak most against the
    verdict; if that changes it, it is inconclusive. While runs are still to come there
    is none.

    Args:
        evidence: The effects of all the seeds.
        others: The other claims of the family.
    """
    p_holm = None if evidence.p is None else others.adjusted(evidence.p)
    ruling = _judge(evidence, others)
    level, final = others.budget.level, others.budget.final
    return ruling._replace(p_holm=p_holm, level=level, final=final)


def _judge(evidence: Evidence, others: Others) -> Ruling:
    if all(part.effects.size < MIN_SEEDS for part in evidence.components):
        return _too_few(evidence)
    measured = _rule(evidence.measured, others)
    if measured.verdict not in DECIDED:
        if not evidence.missing and not evidence.gaps:
            return measured
        return measured._replace(note=f"{pairs_text(evidence)}; {measured.note}")
    if any(gap.pending for gap in evidence.gaps):
        would = f"so no verdict; on these it would be {measured.verdict}"
        note = f"{pairs_text(evidence)}, {would}: {measured.note}"
        return Ruling("inconclusive", note)
    if not evidence.missing:
        return measured
    whole = _rule(evidence, others)
    if whole.verdict == measured.verdict:
        stands = "it stands wherever the missing pairs lie"
        return whole._replace(note=f"{whole.note}; {pairs_text(evidence)}: {stands}")
    return Ruling("inconclusive", missing_text(evidence, others, measured.verdict))


def directions(
    components: Sequence[Component], level: float = LEVEL
) -> tuple[int | None, ...]:
    """Where each component lies: 1 above, -1 below, 0 inside its margin, None unknown.

    Significance is after Holm's correction among the components, not over claims.
    """
    known = [c for c in components if c.worst_p is not None]
    adjusted = holm([c.worst_p for c in known if c.worst_p is not None])
    found = {id(c): c.side for c, p in zip(known, adjusted, strict=True) if p < level}
    return tuple(0 if c.surely_inside else found.get(id(c)) for c in components)


def _too_few(evidence: Evidence) -> Ruling:
    """Of two seeds or fewer: whether more could help, or the measure itself fails."""
    lost = sum(not gap.pending for gap in evidence.gaps)
    left = evidence.planned - lost
    hopeless = lost and (left == 0 or left < MIN_SEEDS <= evidence.planned)
    note = too_few_text(evidence, reason_first=bool(hopeless))
    return Ruling("not-measurable" if hopeless else "not-enough-seeds", note)


def _rule(evidence: Evidence, others: Others) -> Ruling:
    parts, p = evidence.components, evidence.p
    significant = p is not None and others.significant(p)
    where = directions(parts, others.budget.level)
    if all(part.surely_inside for part in parts):
        if not others.budget.final:
            return Ruling("inconclusive", inside_so_far_text(evidence, others))
        if coarse := unresolved(evidence):
            return Ruling("inconclusive", too_small_text(evidence, coarse))
        return Ruling("no-difference", equal_text(evidence, significant=significant))
    if significant and 0 not in where and evidence.objected:
        return Ruling("mixed", objected_text(evidence))
    if significant and 0 not in where:
        agrees = parts[0].side == evidence.definition.sign
        note = significant_text(evidence, others, where, agrees=agrees)
        return Ruling("supported" if agrees else "contradicted", note)
    if {1, -1} <= set(where):
        return Ruling("mixed", mixed_text(evidence, where))
    decider = evidence.decider
    # ties alone leave nothing to test, however many seeds there are
    if decider.exact and decider.p is not None and not can_decide(decider, others):
        return Ruling("not-enough-seeds", not_reached_text(evidence, others))
    return Ruling("inconclusive", open_text(evidence, others, where))
