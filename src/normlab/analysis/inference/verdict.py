"""The verdicts, and the sentences that give their reasons."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from normlab.analysis.inference.evidence import MIN_SEEDS, Evidence
from normlab.analysis.inference.holm import Others
from normlab.analysis.inference.interval import is_constant
from normlab.analysis.inference.power import EQUIVALENCE, LEVEL, MOST, further_seeds
from normlab.analysis.text.words import count, null_text, seeds_text

_REASONS = 4  # that are named; in a claim of one's own each seed may have another

Verdict = Literal[
    "supported",
    "contradicted",
    "no-difference",
    "inconclusive",
    "not-enough-seeds",
    "not-measurable",
]


class Ruling(NamedTuple):
    """A verdict and its reason, in words."""

    verdict: Verdict
    note: str


def judge(evidence: Evidence, others: Others) -> Ruling:
    """Decide what the evidence says, and why.

    In this order: fewer than three effects are not measurable, or not enough where more
    seeds could help; effects that are all 0 are
    no difference; effects that are all the same but not 0 are shown without a test;
    below 0.05 after Holm's correction, with the headline interval on the same side of
    equal, a claim is supported or contradicted, be the difference ever so small (the
    note says when it is below the margin); a 90 % headline interval inside the margin
    is no difference; anything else is inconclusive. If a pair is missing, a verdict
    is inconclusive at most.

    Args:
        evidence: The effects of all the seeds.
        others: The other claims of the family.
    """
    if evidence.effects.size < MIN_SEEDS:
        return _too_few(evidence)
    ruling = _on_what_there_is(evidence, others)
    if not evidence.gaps:
        return ruling
    there = f"{evidence.effects.size} of {evidence.planned} pairs ({_why(evidence)})"
    if ruling.verdict == "inconclusive":
        return Ruling(ruling.verdict, f"{there}; {ruling.note}")
    note = f"{there}, so no verdict; on these it would be {ruling.verdict}"
    return Ruling("inconclusive", f"{note}: {ruling.note}")


def _too_few(evidence: Evidence) -> Ruling:
    """Of two seeds or fewer: whether more could help, or the measure itself fails."""
    lost = sum(not gap.pending for gap in evidence.gaps)
    left = evidence.planned - lost
    there = f"{count(evidence.effects.size, 'seed')} with an effect"
    note = f"{there}; a verdict needs {MIN_SEEDS}"
    if lost and (left == 0 or left < MIN_SEEDS <= evidence.planned):
        return Ruling("not-measurable", f"{_why(evidence, reason_first=True)}; {note}")
    if evidence.gaps:
        pairs = f"{evidence.effects.size} of {count(evidence.planned, 'pair')}"
        note = f"{pairs} ({_why(evidence)}); {note}"
    return Ruling("not-enough-seeds", note)


def _on_what_there_is(evidence: Evidence, others: Others) -> Ruling:
    effects = evidence.effects
    if not effects.any():
        return Ruling("no-difference", _all_equal(evidence))
    if evidence.p is None:
        assert is_constant(effects)
        note = "the same effect from every seed: there is no spread to test it against"
        return Ruling("inconclusive", note)
    if others.adjusted(evidence.p) >= LEVEL:
        return _not_significant(evidence, others)
    if not _excludes_equal(evidence.headline()):
        return _inside(evidence) or _too_few_images(evidence, others)
    return _significant(evidence, len(others) + 1)


def _significant(evidence: Evidence, family: int) -> Ruling:
    agrees = evidence.effects.mean() * evidence.definition.sign > 0
    corrected = f", also after correction for {family} claims" if family > 1 else ""
    note = f"{_test_words(evidence)}{corrected}"
    if not agrees:
        note = f"significant the other way: {note}"
    if _inside(evidence):
        note += f"; smaller than the margin of {_margin_text(evidence)}"
    return Ruling("supported" if agrees else "contradicted", note)


def _not_significant(evidence: Evidence, others: Others) -> Ruling:
    if inside := _inside(evidence):
        return inside
    equal = null_text(evidence.definition)
    if evidence.definition.test == "mcnemar":
        note = _test_words(evidence)
    elif evidence.p is not None and evidence.p < LEVEL:
        family = len(others) + 1
        note = f"excludes {equal}, but not after correction for {family} claims"
    else:
        note = f"the interval includes {equal}"
    return Ruling("inconclusive", f"{note}; {_outlook(evidence, others)}")


def _too_few_images(evidence: Evidence, others: Others) -> Ruling:
    note = (
        "the interval over seeds excludes 0, but not the one with the test images "
        f"drawn anew too; {_outlook(evidence, others)}"
    )
    return Ruling("inconclusive", note)


def _inside(evidence: Evidence) -> Ruling | None:
    interval = evidence.headline(EQUIVALENCE)
    margin = evidence.margin
    if interval is None or margin is None or max(np.abs(interval)) > margin:
        return None
    note = f"the 90 % interval lies inside the margin of {_margin_text(evidence)}"
    return Ruling("no-difference", note)


def _excludes_equal(interval: tuple[float, float] | None) -> bool:
    return interval is None or interval[0] > 0 or interval[1] < 0


def _all_equal(evidence: Evidence) -> str:
    if evidence.definition.test == "mcnemar":
        return f"{_diverged(evidence)}: the arms agree from every seed"
    return "the arms are exactly equal from every seed"


def _test_words(evidence: Evidence) -> str:
    if evidence.definition.test == "t":
        return f"the interval excludes {null_text(evidence.definition)}"
    other, baseline = evidence.only_one
    arm, base = evidence.pairing.arm, evidence.pairing.baseline
    return (
        f"{_diverged(evidence)}; only {base} diverged in {count(other, 'pair')}, "
        f"only {arm} in {baseline} (McNemar's exact p = {evidence.p:.2g})"
    )


def _diverged(evidence: Evidence) -> str:
    """How many runs of each arm diverged, e.g. `diverged: none 2/5, batch 0/5`."""
    pairing, twins = evidence.pairing, evidence.twins
    baseline = sum(pair.baseline.status == "diverged" for pair in twins)
    other = sum(pair.other.status == "diverged" for pair in twins)
    n = len(twins)
    return f"diverged: {pairing.baseline} {baseline}/{n}, {pairing.arm} {other}/{n}"


def _outlook(evidence: Evidence, others: Others) -> str:
    more = further_seeds(evidence, others)
    if more is None and evidence.image_variance > 0:
        return "more seeds would not help; a larger test set would"
    if more is None:
        return f"more than {count(MOST, 'further seed')} would be needed to settle it"
    return f"about {count(more, 'more seed')} would settle it"


def _margin_text(evidence: Evidence) -> str:
    margin = evidence.definition.margin
    assert margin is not None
    if evidence.definition.scale == "ratio":
        return f"{margin:g} times"
    return f"{100 * margin:g} points"


def _why(evidence: Evidence, *, reason_first: bool = False) -> str:
    seeds: dict[str, list[int]] = {}
    # what is lost for good before what may yet come
    for gap in sorted(evidence.gaps, key=lambda gap: gap.pending):
        seeds.setdefault(gap.because, []).append(gap.seed)
    told = "{because} ({seeds})" if reason_first else "{seeds}: {because}"
    reasons = [
        told.format(because=because, seeds=seeds_text(those))
        for because, those in seeds.items()
    ]
    more = len(reasons) - _REASONS
    if more > 1:  # one takes no more room than to say so
        reasons[_REASONS:] = [f"and {more:,} other reasons"]
    return "; ".join(reasons)
