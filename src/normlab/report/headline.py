"""The verdict in one sentence that a non-specialist understands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from normlab.analysis.claim import Claim
from normlab.analysis.design.pairs import Compared
from normlab.analysis.text.words import count, effect_text, number
from normlab.spec.arms import Arm
from normlab.spec.norms import FAMILIES
from normlab.spec.study import StudySpec

FIRST = (
    "better-accuracy",
    "faster-convergence",
    "trains-at-all",
    "steadier-training",
    "wider-learning-rates",
    "smoother-surface",
)
"""Claims that most readers ask for; the sentence names the others behind them."""
MAX_NAMED = 4  # statements in one sentence; the rest is counted
MORE = {"supported": "did better", "contradicted": "did worse"}
MAX_SENTENCES = 3  # settings of one arm that have a sentence each; more are counted
KINDS: dict[Compared, str] = {
    "over-sweep": "along the sweep",
    "all-rates": "over all lr",
    "own-best": "each at its own best lr",
    "same-rate": "at the same lr",
}
"""How arms are compared where there are several rates, the fairest first."""


def headlines(spec: StudySpec, claims: Sequence[Claim]) -> list[str]:
    """A few sentences for each arm that the baseline is compared with.

    Over several rates, first over all of them and with each arm at its own best; what
    was judged at each rate, or at many points of a sweep, is counted. What is only
    described, or compares two other arms, is left out.
    """
    by_arm: dict[str, list[Claim]] = {arm.name: [] for arm in spec.arms}
    for claim in claims:
        if claim.verdict != "description" and claim.baseline == spec.baseline.name:
            by_arm[claim.arm].append(claim)
    return [
        sentence
        for arm in spec.arms
        for sentence in _of_arm(spec, _who(arm), by_arm[arm.name])
    ]


def _of_arm(spec: StudySpec, who: str, claims: Sequence[Claim]) -> Iterator[str]:
    for compared, words in KINDS.items():
        by_place: dict[str, list[Claim]] = {}
        for claim in claims:
            if claim.compared == compared:
                by_place.setdefault(claim.where, []).append(claim)
        those = [claim for group in by_place.values() for claim in group]
        # rates are a means to the comparison, points of a sweep its subject
        one_by_one = compared != "same-rate" or len(spec.recipe.rates) == 1
        if one_by_one and len(by_place) <= MAX_SENTENCES:
            for where, group in by_place.items():
                yield _sentence(spec, who, where, group)
        elif those:
            yield _counted(spec, who, f"{words}, {_places(spec, compared)}", those)


def _sentence(spec: StudySpec, who: str, where: str, claims: Sequence[Claim]) -> str:
    """About one setting, and how many statements held there."""
    several = len(spec.recipe.rates) > 1 or spec.sweep.axes
    start = f"With {who}{f' ({where})' if several else ''}"
    if seen := _accuracy(claims):
        start = f"{start}, {seen}"
    held, opposite = _said(claims, "supported"), _said(claims, "contradicted")
    if not held and not opposite:
        text = _undecided(start, _than(spec), claims)
    else:
        text = _told(start, _than(spec), held, opposite)
    # of the one statement about rates there is nothing to count
    return text if claims[0].compared == "all-rates" else f"{text} {_tally(claims)}"


def _accuracy(claims: Sequence[Claim]) -> str:
    """What most readers ask for first, where it was not decided either way."""
    words = {
        "no-difference": "test accuracy is the same",
        "inconclusive": "test accuracy shows no clear difference",
        "not-enough-seeds": "test accuracy cannot be told apart by so few seeds",
    }
    found = next((claim for claim in claims if claim.id == FIRST[0]), None)
    if found is None or found.verdict not in words or found.estimate is None:
        return ""
    return f"{words[found.verdict]} ({effect_text(found.estimate, found.definition)})"


def _counted(spec: StudySpec, who: str, where: str, claims: Sequence[Claim]) -> str:
    """About many settings: at how many of them each statement held."""
    start = f"With {who} ({where})"
    held, opposite = _times(claims, "supported"), _times(claims, "contradicted")
    if not held and not opposite:
        text = _undecided(start, _than(spec), claims)
    else:
        text = _told(start, _than(spec), held, opposite)
    return f"{text} {_tally(claims, 'comparison')}"


def _told(start: str, than: str, held: list[str], opposite: list[str]) -> str:
    if held and opposite:
        return (
            f"{start}, the network {_joined(held)} than {than}; "
            f"against the expectation it {_joined(opposite)}."
        )
    surprise = "" if held else ", against the expectation,"
    return f"{start}, the network{surprise} {_joined(held or opposite)} than {than}."


def _places(spec: StudySpec, compared: Compared) -> str:
    """What there are many of, in words.

    Example:
        >>> _places(StudySpec(recipe={"rates": (0.1, 1.0)}), "same-rate")
        '2 rates'
    """
    points = len(spec.sweep.points)
    rates = len(spec.recipe.rates) if compared == "same-rate" else 1
    if points == 1:
        return count(rates, "rate")
    keys = " and ".join(axis.key.rpartition(".")[2] for axis in spec.sweep.axes)
    if rates == 1:
        return f"{points} values of {keys}"
    return f"{points} values of {keys}, {rates} rates"


def _than(spec: StudySpec) -> str:
    plain = spec.baseline.norm == "none"
    return "without" if plain else f"with {_who(spec.baseline)}"


def _undecided(start: str, than: str, claims: Sequence[Claim]) -> str:
    """What may be said where no claim held and none was contradicted."""
    # that no run diverged is known from any number of seeds
    judged = [c for c in claims if c.definition.test != "mcnemar"] or claims
    verdicts = {claim.verdict for claim in judged}
    if len(claims) == 1 and claims[0].compared == "all-rates":
        return f"{start}, {_undecided_rates(than, claims[0])}."
    if verdicts == {"not-measurable"}:
        lost = judged[0].note
        return f"{start}, nothing could be measured against the network {than}: {lost}."
    if verdicts <= {"not-enough-seeds", "not-measurable"}:
        return (
            f"{start}, too few seeds to say whether it is better or worse than {than}."
        )
    return f"{start}, nothing measurably better or worse than {than}."


def _undecided_rates(than: str, claim: Claim) -> str:
    """The steps all the same: where all seeds agree there is nothing to test."""
    if claim.estimate is None:
        return f"not known whether larger rates work than {than}"
    steps = effect_text(claim.estimate, claim.definition)
    return (
        f"the largest rate that works lies {steps} from that {than}, by the mean over "
        f"{count(claim.seeds, 'seed')} ({claim.verdict})"
    )


def _who(arm: Arm) -> str:
    norm = arm.own or arm.norm
    usual = FAMILIES[norm].plain if norm in FAMILIES else norm
    return usual if arm.name == norm else f"{usual} ({arm.name})"


def _said(claims: Sequence[Claim], verdict: str) -> list[str]:
    return _cut([_phrase(claim) for claim in _decided(claims, verdict)], verdict)


def _times(claims: Sequence[Claim], verdict: str) -> list[str]:
    """What was found, and at how many of the places where it was judged."""
    judged = Counter(claim.id for claim in claims)
    decided = _decided(claims, verdict)
    found = Counter(claim.id for claim in decided)
    by_id = {claim.id: claim for claim in decided}
    phrases = [
        f"{_phrase(claim).partition(' (')[0]} at {found[name]} of {judged[name]}"
        for name, claim in by_id.items()
    ]
    return _cut(phrases, verdict)


def _cut(phrases: list[str], verdict: str) -> list[str]:
    """The first few, and how many more there are; a single one is named."""
    more = len(phrases) - MAX_NAMED
    if more < 2:
        return phrases
    return [*phrases[:MAX_NAMED], f"{MORE[verdict]} in {more} more ways"]


def _decided(claims: Sequence[Claim], verdict: str) -> list[Claim]:
    order = {name: place for place, name in enumerate(FIRST)}
    decided = [claim for claim in claims if claim.verdict == verdict]
    return sorted(decided, key=lambda claim: order.get(claim.id, len(order)))


def _phrase(claim: Claim) -> str:
    of = claim.definition
    words = of.if_supported if claim.verdict == "supported" else of.if_contradicted
    if not words:
        return f"was found {claim.verdict} in “{claim.statement}”"
    value = claim.estimate or 0.0
    return words.format(
        percent=f"{100 * value:.0f} %",
        estimate=", ".join(map(str, claim.shares))
        or effect_text(value, claim.definition),
        ratio=number(value),
    )


def _joined(phrases: Sequence[str]) -> str:
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def _tally(claims: Sequence[Claim], noun: str = "usual statement") -> str:
    found = Counter(claim.verdict for claim in claims)
    named = {
        "supported": "held",
        "contradicted": "went the other way",
        "mixed": "held in part and went the other way in part",
        "no-difference": "showed no difference",
    }
    planned = max((claim.planned for claim in claims), default=0)
    parts = [f"{found[key]} {text}" for key, text in named.items() if found[key]]
    # why a statement has no verdict is said beside it
    if left := len(claims) - sum(found[key] for key in named):
        parts.append(f"{left} stayed open")
    usual = count(len(claims), noun)
    return f"Of {usual}, {_joined(parts)} ({count(planned, 'seed')})."
