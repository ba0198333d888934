"""The sentences that give the reason of a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence

from normlab.analysis.inference.component import (
    EQUIVALENCE,
    EXACT,
    MIN_SEEDS,
    Component,
    most_unequal,
)
from normlab.analysis.inference.evidence import Evidence
from normlab.analysis.inference.holm import Others
from normlab.analysis.inference.interval import is_constant
from normlab.analysis.inference.power import MOST, outlook
from normlab.analysis.inference.reach import can_decide, seeds_needed
from normlab.analysis.inference.resolution import unresolved
from normlab.analysis.inference.spending import LEVEL, Budget
from normlab.analysis.text.words import (
    count,
    estimate_text,
    interval_text,
    null_text,
    seeds_text,
    shown,
)

_REASONS = 4  # that are named; in a claim of one's own each seed may have another
Where = Sequence[int | None]


def too_few_text(evidence: Evidence, *, reason_first: bool) -> str:
    """Of fewer than three effects."""
    most = max(part.effects.size for part in evidence.components)
    note = f"{count(most, 'seed')} with an effect; a verdict needs {MIN_SEEDS}"
    if reason_first:
        return f"{_why(evidence, reason_first=True)}; {note}"
    if not evidence.gaps:
        return note
    pairs = f"{len(evidence.twins)} of {count(evidence.planned, 'pair')}"
    return f"{pairs} ({_why(evidence)}); {note}"


def significant_text(
    evidence: Evidence, others: Others, where: Where, *, agrees: bool
) -> str:
    """Of what is supported or contradicted."""
    family = len(others) + 1
    corrected = f", also after correction for {family} claims" if family > 1 else ""
    if others.budget.declared:
        corrected += f", at {look_text(others.budget)}"
    note = f"{_test_words(evidence)}{corrected}{_parts(evidence, where)}"
    return note if agrees else f"significant the other way: {note}"


def equal_text(evidence: Evidence, *, significant: bool) -> str:
    """Of no difference, with the interval that decides it."""
    start = "significant, but too small to matter: " if significant else ""
    margin = _margin_text(evidence)
    if evidence.definition.test == "mcnemar":
        (part,) = evidence.components
        pairs = part.effects.size + part.missing
        share = most_unequal(sum(part.only_one) + part.missing, pairs)
        return (
            f"{_only(evidence)}: at most {100 * share:.1f} % of pairs differ, "
            f"inside the margin of {margin}"
        )
    if not any(part.effects.any() for part in evidence.components):
        return "the arms are exactly equal from every seed"
    inside = [_ninety(part, evidence) for part in evidence.components]
    if len(inside) == 1:
        return f"{start}the 90 % interval{inside[0]} lies inside the margin of {margin}"
    every = ";".join(inside)
    return f"{start}all 90 % intervals lie inside the margin of {margin}:{every}"


def too_small_text(evidence: Evidence, coarse: str) -> str:
    """Of effects inside the margin, where the data could not have shown others."""
    if not evidence.effects.any():
        return f"the arms are equal from every seed, but {coarse}"
    return f"too small to matter, as far as can be seen: {coarse}"


def inside_so_far_text(evidence: Evidence, others: Others) -> str:
    """Of effects inside the margin where more seeds were declared."""
    inside = ";".join(_ninety(part, evidence) for part in evidence.components)
    return (
        f"the 90 % interval{inside} lies inside the margin of "
        f"{_margin_text(evidence)} so far; no difference is said only once all "
        f"{others.budget.at_most} declared seeds have ended"
    )


def look_text(budget: Budget) -> str:
    """One of several looks, and what it asks for.

    Example:
        >>> look_text(Budget(seeds=5, at_most=10))
        'the look at 5 of at most 10 seeds, which decides below p = 0.0056'
    """
    return (
        f"the look at {budget.seeds} of at most {budget.at_most} seeds, which decides "
        f"below p = {budget.level:.2g}"
    )


def mixed_text(evidence: Evidence, where: Where) -> str:
    """All components, and that they are not corrected for over claims."""
    parts = _parts(evidence, where).removeprefix("; ")
    return f"{parts} (corrected for its {len(where)} parts, not over claims)"


def objected_text(evidence: Evidence) -> str:
    """Of what would be decided, but for a second measure."""
    above, below = evidence.definition.words
    decider, veto = evidence.decider, evidence.veto
    assert veto is not None
    first, second = (above, below) if decider.side > 0 else (below, above)
    return (
        f"{first} ({_numbers(decider, evidence)}), but {second} by {veto.name} "
        f"({_numbers(veto, evidence)})"
    )


def open_text(evidence: Evidence, others: Others, where: Where) -> str:
    """Of what is inconclusive."""
    definition, p = evidence.definition, evidence.decider.p
    if p is None and evidence.decider.effects.size >= MIN_SEEDS:
        if evidence.effects.any() and is_constant(evidence.effects):
            note = (
                "the same effect from every seed: there is no spread to test it against"
            )
            return note + _parts(evidence, where)
        return f"{_counted(evidence)}{_possible(evidence)}"
    equal = null_text(definition)
    if evidence.decider.exact:
        note = _test_words(evidence)
    elif p is not None and p < LEVEL and others.budget.declared:
        note = (
            f"excludes {equal}, but p = {others.adjusted(p):.2g} after correction is "
            f"not enough at {look_text(others.budget)}"
        )
    elif p is not None and p < LEVEL:
        family = len(others) + 1
        note = f"excludes {equal}, but not after correction for {family} claims"
    else:
        note = f"the interval includes {equal}"
    if len(where) > 1:
        return note + _parts(evidence, where)
    return f"{note}; {_outlook(evidence, others)}"


def not_reached_text(evidence: Evidence, others: Others) -> str:
    """Of an exact test that so few seeds cannot bring below the level."""
    part = evidence.decider
    alone = seeds_needed(part, others, choosing=False)
    needs = f"{EXACT[part.test]} needs {alone} seeds"
    if evidence.pairing.compared == "own-best":
        whole = seeds_needed(part, others, choosing=True)
        needs += f" beside those that choose the rates, {whole} in all"
    return f"{_test_words(evidence)}; {needs}"


def missing_text(evidence: Evidence, others: Others, verdict: str) -> str:
    """Of a verdict that hangs on pairs that are missing."""
    note = (
        f"{pairs_text(evidence)}; on these it would be {verdict}, but not wherever the "
        "missing ones lie"
    )
    part = evidence.decider
    if part.missing and not can_decide(part, others):
        choosing = evidence.pairing.compared == "own-best"
        needed = seeds_needed(part, others, choosing=choosing)
        pairs = count(part.missing, "missing pair")
        note += f"; with {pairs} fewer than {needed} seeds cannot decide"
    return note


def pairs_text(evidence: Evidence) -> str:
    """How many pairs have an effect, and why the others have none.

    Of components the one that most are missing of.
    """
    least = min(part.effects.size for part in evidence.components)
    why = f" ({_why(evidence)})" if evidence.gaps else ""
    return f"{least} of {evidence.planned} pairs{why}"


def _parts(evidence: Evidence, where: Where) -> str:
    """Every component with its side and its numbers, if there are several."""
    if len(where) < 2:
        return ""
    above, below = evidence.definition.words
    sides = {1: above, -1: below, 0: "equal", None: "undecided"}
    told = [
        f"{sides[side]} {part.name} ({_numbers(part, evidence)})"
        for part, side in zip(evidence.components, where, strict=True)
    ]
    return f"; {', '.join(told)}"


def _numbers(part: Component, evidence: Evidence) -> str:
    estimate = part.estimate
    if not estimate.seeds:
        return "not measured"
    return estimate_text(estimate, evidence.definition)


def _ninety(part: Component, evidence: Evidence) -> str:
    ends = part.decides(EQUIVALENCE).interval
    name = f" {part.name}" if part.name else ""
    if ends is None:
        return f"{name} equal"
    low, high = (shown(end, evidence.definition) for end in ends)
    return f"{name} [{interval_text((low, high), evidence.definition)}]"


def _test_words(evidence: Evidence) -> str:
    part = evidence.decider
    if not part.exact:
        return f"the interval excludes {null_text(evidence.definition)}"
    other, baseline = part.only_one
    arm = evidence.pairing.called
    test = f"({EXACT[part.test]}: p = {part.p:.2g})"
    if part.test == "mcnemar":
        return f"{_only(evidence)} {test}"
    ties = part.effects.size - other - baseline
    return f"higher {arm} in {other}, lower in {baseline}, equal in {ties} {test}"


def _counted(evidence: Evidence) -> str:
    return "the arms are equal from every seed"


def _possible(evidence: Evidence) -> str:
    coarse = unresolved(evidence)
    return f"; {coarse}" if coarse else ""


def _only(evidence: Evidence) -> str:
    """In how many pairs the arms differ, and which way."""
    (part,) = evidence.components
    other, baseline = part.only_one
    arm, base = evidence.pairing.called, evidence.pairing.baseline_called
    if evidence.definition.counted is None:
        return f"higher {arm} in {count(other, 'pair')}, lower in {baseline}"
    return f"{base} alone in {count(other, 'pair')}, {arm} alone in {baseline}"


def _outlook(evidence: Evidence, others: Others) -> str:
    """What more seeds would bring, and the command that adds them."""
    part, budget = evidence.decider, others.budget
    even, likely = outlook(part, others, resolved=not unresolved(evidence))
    if even is None and part.images is not None and part.images.variance > 0:
        return "more seeds would not help; a larger test set would"
    if even is None:
        most = count(MOST, "further seed")
        return f"even {most} would have less than an even chance of a verdict"
    have = budget.before + (budget.seeds or evidence.planned)
    told = f"even chance of a verdict at {count(even, 'more seed')}"
    if likely == even:
        told = f"80 % chance of a verdict at {count(even, 'more seed')}"
    else:
        told += f", 80 % at {likely:,}" if likely else f", 80 % at more than {MOST:,}"
    return f"{told}: normlab resume DIR --seeds {have + (likely or even)}"


def _margin_text(evidence: Evidence) -> str:
    margin = evidence.definition.margin
    assert margin is not None and not math.isnan(margin)
    if evidence.definition.scale == "ratio":
        return f"{margin:g} times"
    unit = "points" if evidence.definition.unit == "fraction" else "%"
    return f"{100 * margin:g} {unit}"


def _why(evidence: Evidence, *, reason_first: bool = False) -> str:
    seeds: dict[str, list[int]] = {}
    # what is lost for good before what may yet come
    for gap in sorted(evidence.gaps, key=lambda gap: gap.pending):
        seeds.setdefault(gap.because, []).append(gap.seed)
    told = "{because} ({seeds})" if reason_first else "{seeds}: {because}"
    every = f"{evidence.planned} of {count(evidence.planned, 'seed')}"
    reasons = [
        told.format(
            because=because,
            seeds=every
            if reason_first and len(those) == evidence.planned
            else seeds_text(those),
        )
        for because, those in seeds.items()
    ]
    more = len(reasons) - _REASONS
    if more > 1:  # one takes no more room than to say so
        reasons[_REASONS:] = [f"and {more:,} other reasons"]
    return "; ".join(reasons)
