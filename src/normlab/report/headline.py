"""The verdict in one sentence that a non-specialist understands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from normlab.analysis.claim import Claim
from normlab.analysis.words import count
from normlab.spec.study import StudySpec


class Plain(NamedTuple):
    """What a claim's verdict means in everyday words, the arm being "it"."""

    supported: str
    contradicted: str


# the first two are what most readers ask for; the sentence names the others briefly
PLAIN: dict[str, Plain] = {
    "better-accuracy": Plain(
        "got more test images right ({estimate})",
        "got fewer test images right ({estimate})",
    ),
    "faster-convergence": Plain(
        "learnt faster ({percent} of the steps for the same loss)",
        "learnt more slowly ({percent} of the steps for the same loss)",
    ),
    "trains-at-all": Plain(
        "broke down less often in training", "broke down more often in training"
    ),
    "steadier-training": Plain(
        "had a steadier loss from step to step",
        "had a less steady loss from step to step",
    ),
    "wider-learning-rates": Plain(
        "bore larger learning rates", "bore only smaller learning rates"
    ),
    "smoother-surface": Plain(
        "had a smoother loss surface", "had a rougher loss surface"
    ),
    "rounder-contours": Plain("had rounder contours", "had more stretched contours"),
    "predictable-steps": Plain(
        "answered steps more predictably", "answered steps less predictably"
    ),
    "straighter-path": Plain(
        "took a more direct path", "took a less direct path to its end"
    ),
    "steadier-activations": Plain(
        "had steadier activations", "had activations that drifted more"
    ),
    "steadier-features": Plain(
        "kept its features more", "changed its features more while training"
    ),
    "less-covariate-shift": Plain(
        "showed less covariate shift", "showed more covariate shift"
    ),
}

NORM_NAMES = {
    "none": "no normalization",
    "batch": "batch normalization",
    "layer": "layer normalization",
    "group": "group normalization",
    "instance": "instance normalization",
    "rms": "RMS normalization",
}
MOST_NAMED = 4  # statements in one sentence; the rest is counted


def headlines(spec: StudySpec, claims: Sequence[Claim]) -> list[str]:
    """One or two sentences for each arm and rate that the baseline is compared with."""
    groups: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        # what is compared over all rates is no comparison of two networks
        if claim.compared != "all-rates":
            groups.setdefault((claim.arm, claim.where), []).append(claim)
    return [
        f"{_sentence(spec, arm, where, those)} {_tally(those)}"
        for (arm, where), those in groups.items()
    ]


def _sentence(spec: StudySpec, arm: str, where: str, claims: list[Claim]) -> str:
    who = _who(spec, arm)
    plain = spec.baseline.norm == "none"
    than = "without" if plain else f"with {_who(spec, spec.baseline.name)}"
    several = len(spec.recipe.rates) > 1 or spec.sweep.axes
    at = f" ({where})" if several else ""
    held = _said(claims, "supported")
    opposite = _said(claims, "contradicted")
    if not held and not opposite:
        return _undecided(f"With {who}{at}", than, claims)
    if held and opposite:
        return (
            f"With {who}{at}, the network {_joined(held)} than {than}; "
            f"against the expectation it {_joined(opposite)}."
        )
    surprise = "" if held else ", against the expectation,"
    course = _joined(held or opposite)
    return f"With {who}{at}, the network{surprise} {course} than {than}."


def _undecided(start: str, than: str, claims: Sequence[Claim]) -> str:
    """What may be said where no claim held and none was contradicted."""
    # that no run diverged is known from any number of seeds
    judged = [c for c in claims if c.definition.test == "t"]
    if all(claim.verdict == "not-enough-seeds" for claim in judged):
        return (
            f"{start}, too few seeds to say whether it is better or worse than {than}."
        )
    return f"{start}, nothing measurably better or worse than {than}."


def _who(spec: StudySpec, name: str) -> str:
    norm = next(arm.norm for arm in spec.arms if arm.name == name)
    usual = NORM_NAMES.get(norm, norm)
    return usual if name == norm else f"{usual} ({name})"


def _said(claims: Sequence[Claim], verdict: str) -> list[str]:
    order = {name: place for place, name in enumerate(PLAIN)}
    decided = [claim for claim in claims if claim.verdict == verdict]
    decided.sort(key=lambda claim: order.get(claim.id, len(order)))
    return [_phrase(claim) for claim in decided][:MOST_NAMED]


def _phrase(claim: Claim) -> str:
    plain = PLAIN.get(claim.id)
    if plain is None:
        return f"was found {claim.verdict} in “{claim.statement}”"
    words = plain.supported if claim.verdict == "supported" else plain.contradicted
    value = claim.estimate or 0.0
    return words.format(
        percent=f"{100 * value:.0f} %", estimate=f"{100 * value:+.2f} points"
    )


def _joined(phrases: Sequence[str]) -> str:
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def _tally(claims: Sequence[Claim]) -> str:
    found = Counter(claim.verdict for claim in claims)
    named = {
        "supported": "held",
        "contradicted": "went the other way",
        "no-difference": "showed no difference",
        "inconclusive": "stayed open",
        "not-enough-seeds": "had too few seeds for a verdict",
    }
    parts = [f"{found[key]} {text}" for key, text in named.items() if found[key]]
    seeds = count(max((claim.planned for claim in claims), default=0), "seed")
    usual = count(len(claims), "usual statement")
    return f"Of {usual}, {_joined(parts)} ({seeds})."
