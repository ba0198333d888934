"""What a study says first: a line for each question that most readers come with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from normlab.analysis.claim import Claim, Part
from normlab.analysis.claims import (
    better_accuracy,
    faster_convergence,
    smoother_surface,
)
from normlab.analysis.design.pairs import Compared
from normlab.analysis.inference.verdict import Verdict
from normlab.analysis.text.words import effect_text, upper
from normlab.spec.study import StudySpec

FIRST = (faster_convergence.CLAIM, better_accuracy.CLAIM, smoother_surface.CLAIM)
"""What is asked of every study; other claims that ask come behind."""
SAYS: dict[Verdict, str] = {
    "supported": "yes",
    "contradicted": "no, the opposite",
    "mixed": "mixed",
    "no-difference": "no difference",
    "inconclusive": "not shown",
    "not-enough-seeds": "not shown, too few seeds",
    "not-measurable": "not measurable",
}
"""The verdict as the answer to a question."""
FAIREST: tuple[Compared, ...] = ("over-sweep", "all-rates", "own-best", "same-rate")


class Answer(NamedTuple):
    """The answer to one question, about one arm."""

    question: str
    """With a capital: `Faster`."""
    says: str
    """`yes`, `not shown`."""
    why: str
    """The number with its interval, or what is missing; may be empty."""
    claims: tuple[Claim, ...]
    """What it rests on."""

    def __str__(self) -> str:
        return f"{self.question}: {self.says}{f' ({self.why})' if self.why else ''}"


class Answers(NamedTuple):
    """All of one arm."""

    title: str
    """Which arms are compared: `with batch norm, against without`."""
    lines: tuple[Answer, ...]


def answers(spec: StudySpec, claims: Sequence[Claim]) -> list[Answers]:
    """The first lines of a study, for each arm that the baseline is compared with.

    With several rates arms are compared each at its own best; over a sweep how an
    effect ranges over the points is told, and whether it grows along it.
    """
    labels, baseline = spec.labels, spec.baseline.name
    by_arm: dict[str, list[Claim]] = {arm: [] for arm in labels if arm != baseline}
    for claim in claims:
        if claim.baseline == baseline and claim.arm in by_arm:
            by_arm[claim.arm].append(claim)
    against = f"compared with training {labels[baseline]}"
    return [
        Answers(f"{labels[arm]}, {against}", tuple(_lines(spec, those)))
        for arm, those in by_arm.items()
        if those
    ]


def short(note: str) -> str:
    """The first reason of a note, without the seeds that it is true of.

    Example:
        >>> short("no common loss (3 of 3 seeds); 0 seeds with an effect")
        'no common loss'
    """
    return note.partition(" (")[0].partition(";")[0]


def _lines(spec: StudySpec, claims: Sequence[Claim]) -> Iterator[Answer]:
    by_id: dict[str, list[Claim]] = {of.id: [] for of in FIRST}
    asked = {of.id: of.asked for of in FIRST}
    for claim in claims:
        if claim.definition.asked:
            by_id.setdefault(claim.id, []).append(claim)
            asked.setdefault(claim.id, claim.definition.asked)
    if spec.sweep.axes:  # its own question comes first, and nothing that nobody asked
        along = {n: of for n, of in by_id.items() if of and of[0].axis}
        by_id = {**along, **{n: of for n, of in by_id.items() if of and n not in along}}
    for name, those in by_id.items():
        yield _answer(spec, asked[name], those)


def _answer(spec: StudySpec, asked: str, claims: Sequence[Claim]) -> Answer:
    question = upper(asked)
    if not claims:
        why = f"measure = {spec.measure}" if spec.measure != "full" else ""
        return Answer(question, "not measured", why, ())
    kind = next(kind for kind in FAIREST if any(c.compared == kind for c in claims))
    those = tuple(claim for claim in claims if claim.compared == kind)
    if len(those) == 1:
        (claim,) = those
        place = claim.where if claim.compared == "own-best" else ""
        why = "; ".join(filter(None, (_why(claim), place)))
        return Answer(question, SAYS.get(claim.verdict, "not judged"), why, those)
    return Answer(question, *_over_places(those), those)


def _over_places(claims: Sequence[Claim]) -> tuple[str, str]:
    """Of several points or rates: where it held, and the range of the effect."""
    judged = [claim for claim in claims if claim.verdict != "description"]
    keys = {key.rpartition(".")[2] for claim in claims for key, _ in claim.point}
    places = f"values of {keys.pop()}" if len(keys) == 1 else "settings"
    known = [c for c in claims if c.estimate is not None and math.isfinite(c.estimate)]
    if not known:
        return "not measurable", ""
    first, last = (
        effect_text(pick(known, key=_estimate).estimate or 0.0, known[0].definition)
        for pick in (min, max)
    )
    quantity = known[0].definition.quantity
    why = f"{quantity}: {first} to {last}"
    if not judged:
        right = sum(c.definition.sign * _effect(c) > 0 for c in known)
        return f"{known[0].side} at {right} of {len(known)} {places}", why
    held = Counter(SAYS[claim.verdict] for claim in judged if claim.verdict in SAYS)
    says = ", ".join(f"{says} at {n}" for says, n in held.most_common())
    return f"{says} of {len(judged)} {places}", why


def _estimate(claim: Claim) -> float:
    return claim.estimate or 0.0


def _effect(claim: Claim) -> float:
    """Above 0 where the arm is higher."""
    value = claim.estimate or 0.0
    return value - 1.0 if claim.definition.scale == "ratio" else value


def _why(claim: Claim) -> str:
    """Of mixed claims each part; of others the number, or why there is none."""
    if claim.estimate is None:
        return short(claim.note)
    if len(claim.components) > 1:
        return parts_text(claim)
    return claim.numbers.partition(f", {claim.side} in")[0]


def parts_text(claim: Claim) -> str:
    """Each part that was decided, and that the others were not.

    What several measures say of the same steps is told together.

    Example: `rougher in steps 1-7, smoother in steps 8-70 by 1 of 2 measures, else
    undecided`.
    """
    above, below = claim.definition.words
    sides = {"above": above, "below": below, "equal": "equal"}
    told: list[str] = []
    for name, parts in _of_the_same_steps(claim).items():
        found = [(part.side, part.name) for part in parts if part.side is not None]
        if len({side for side, _ in found}) == 1:
            some = len(found) < len(parts)
            by = f" by {len(found)} of {len(parts)} measures" if some else ""
            told.append(f"{sides[found[0][0]]} {name}{by}")
        else:
            told += [f"{sides[side]} {of}" for side, of in found]
    if not told:
        return f"undecided in each of {len(claim.components)} measurements"
    left = any(part.side is None for part in claim.components)
    return ", ".join([*told, *(["else undecided"] if left else [])])


def _of_the_same_steps(claim: Claim) -> dict[str, list[Part]]:
    """A further measure is named like the first, and by what it goes behind that."""
    found: dict[str, list[Part]] = {}
    for part in claim.components:
        name = next((n for n in found if part.name.startswith(f"{n} ")), part.name)
        found.setdefault(name, []).append(part)
    return found
