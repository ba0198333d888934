"""A judged claim: what was stated, what was measured, and what follows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from numbers import Real
from typing import Literal, NamedTuple, SupportsIndex, TypeGuard, overload

from normlab.analysis.claims.definition import Definition, Second, Twins
from normlab.analysis.design.fairness import equal_seeds
from normlab.analysis.design.pairs import Compared
from normlab.analysis.inference.component import EQUIVALENCE, Component, Decision
from normlab.analysis.inference.evidence import Evidence
from normlab.analysis.inference.images import Images
from normlab.analysis.inference.interval import exact_share, t_interval
from normlab.analysis.inference.resolution import unresolved
from normlab.analysis.inference.spending import LEVEL
from normlab.analysis.inference.verdict import Ruling, Verdict, directions
from normlab.analysis.text.words import (
    ci_text,
    count,
    effect_text,
    estimate_text,
    named,
    quantity_text,
    shown,
)
from normlab.errors import BadSetting
from normlab.spec.labels import beside
from normlab.spec.names import known
from normlab.spec.point import SweepPoint, point_text


class Effect(NamedTuple):
    """What the twins of one seed show: a ratio (1 = equal) or a difference."""

    seed: int
    value: float


class Share(NamedTuple):
    """Of how many runs of an arm something is true."""

    arm: str
    called: str
    """The arm in a sentence."""
    happened: int
    of: int
    interval: tuple[float, float]
    """Clopper-Pearson, 95 %."""

    def __str__(self) -> str:
        low, high = (f"{100 * end:.0f}" for end in self.interval)
        return f"{self.happened} of {self.of} runs {self.called} [{low} to {high} %]"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One component of a claim, back-transformed."""

    name: str
    """By what and where it was measured; empty for an only one."""
    side: Literal["above", "below", "equal"] | None
    """Where it lies after correction among the components; None if undecided."""
    estimate: float | None
    decides: Decision
    equivalence: Decision
    """That of the 90 % interval, which must lie inside the margin to be equal."""
    p: float | None
    p_worst: float | None
    """With every missing pair against the side that was found."""
    missing: int
    """Pairs that ended without an effect."""
    images: Images | None
    """What the test images add to the uncertainty."""
    effects: tuple[Effect, ...]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement about an arm against the baseline, with its verdict.

    Ratios are back-transformed: 1 means equal. Accuracies are fractions.
    """

    definition: Definition
    arm: str
    baseline: str
    labels: tuple[str, str]
    """What readers see the arm and the baseline called."""
    rate: float
    """Of the arm; nan where all rates are compared, or none could be chosen."""
    point: SweepPoint = ()
    compared: Compared = "same-rate"
    axis: str = ""
    """The key of the sweep along which effects are followed."""
    baseline_rate: float = math.nan
    estimate: float | None
    interval: tuple[float, float] | None
    """95 %: the one that decides."""
    p: float | None
    """What entered Holm's correction: missing pairs are at their worst."""
    p_holm: float | None
    effects: tuple[Effect, ...]
    planned: int
    """Seeds of the study; those with an effect may be fewer."""
    verdict: Verdict
    note: str
    """The reason for the verdict."""
    beside: str
    """Second measures that are shown but not judged, e.g. the ratio in seconds."""
    components: tuple[Part, ...] = ()
    """All of them; estimate, interval and effects are those of the one that decides."""
    veto: Part | None = None
    """A second measure that may object: its side is always None."""
    decides: Decision | None = None
    """How the interval was made."""
    shares: tuple[Share, ...] = ()
    """Of what is counted: that of the baseline, and that of the arm."""
    level: float = LEVEL
    """What `p_holm` must be below: less than .05 where further looks were declared."""
    look: tuple[int, ...] = ()
    """The seeds of the look at which it was judged."""
    final: bool = True
    """Whether no further look was declared: only then there is `no-difference`."""
    pending: int = 0
    """Pairs whose runs have not ended."""
    resolved: bool = True
    """Whether the data could show a difference as small as the margin."""
    equal_seeds: str = ""
    """What it means that seeds start from the same weights; empty if none do."""
    caveat: str = ""
    """What the literature contests, where it is about arms with these norms."""
    caution: str = ""
    """What of the data weakens the claim, e.g. test images that were learnt."""

    @property
    def id(self) -> str:
        """The claim's name, e.g. `better-accuracy`."""
        return self.definition.id

    @property
    def statement(self) -> str:
        """What is claimed, with the arms named."""
        arm, baseline = self.labels
        return self.definition.statement.format(arm=arm, baseline=beside(baseline, arm))

    @property
    def where(self) -> str:
        """The rates and the point of the sweep that were compared.

        Example: `lr 0.01, batch_size 8`, or `each at its own best lr`.
        """
        words = {
            "same-rate": f"lr {self.rate:g}",
            "own-best": "each at its own best lr",
            "all-rates": "over all lr",
            "over-sweep": f"over {self.axis.rpartition('.')[2]}",
        }
        return ", ".join(filter(None, (words[self.compared], point_text(self.point))))

    @property
    def seeds(self) -> int:
        """How many seeds have an effect."""
        return len(self.effects)

    @property
    def wins(self) -> int:
        """In how many of them the effect is on the claim's side."""
        equal = 1.0 if self.definition.scale == "ratio" else 0.0
        sign = self.definition.sign
        return sum(sign * (effect.value - equal) > 0 for effect in self.effects)

    @property
    def numbers(self) -> str:
        """What was measured, its interval and the wins as one line of text."""
        if self.estimate is None:
            return "not measured"
        if self.shares:
            return f"{self.definition.quantity}: {', '.join(map(str, self.shares))}"
        if self.axis:  # a slope is nobody's times
            slope = effect_text(self.estimate, self.definition)
            ends = ci_text(self.interval, self.definition)
            measured = f"{self.definition.quantity}: {slope}{ends}"
        else:
            measured = quantity_text(
                self.estimate,
                self.definition,
                self.interval,
                beside(*self.labels[::-1]),
            )
        return f"{measured}, {self.side} in {self.wins} of {count(self.seeds, 'seed')}"

    @property
    def side(self) -> str:
        """What an effect on the claim's side is called, e.g. `lower`."""
        above, below = self.definition.words
        return above if self.definition.sign > 0 else below

    @property
    def remarks(self) -> tuple[str, ...]:
        """The reason for the verdict, what is shown beside it, what weakens it."""
        weaker = self.equal_seeds, self.caution, self.caveat
        own = f"a claim of your own: {self.definition.measure}"
        texts = (own if self.definition.own else "", self.note, self.beside, *weaker)
        return tuple(text for text in texts if text)

    def __str__(self) -> str:
        lines = [f"{self.verdict.upper()}: {self.statement}", f"  {self.numbers}"]
        lines += [f"  {text}" for text in self.remarks]
        return "\n".join(lines)


def as_listed(claims: Iterable[Claim]) -> list[Claim]:
    """In the order given, but what could not be measured comes last."""
    return sorted(claims, key=lambda claim: claim.verdict == "not-measurable")


class Claims(tuple[Claim, ...]):
    """All claims of a study; prints as text and, in a notebook, as a table.

    A place gives one claim, the id of a claim that one, e.g.
    `result.claims()["better-accuracy"]`; a study may judge it at several places.
    """

    __slots__ = ()

    @overload
    def __getitem__(self, at: SupportsIndex | str, /) -> Claim: ...
    @overload
    def __getitem__(self, at: slice, /) -> tuple[Claim, ...]: ...
    def __getitem__(
        self, at: SupportsIndex | str | slice, /
    ) -> Claim | tuple[Claim, ...]:
        """The claim at a place or of an id.

        Raises:
            BadSetting: If there is no claim of that id, or several.
        """
        if not isinstance(at, str):
            return super().__getitem__(at)
        those = self.of(at)
        if len(those) == 1:
            return those[0]
        if not those:
            ids = dict.fromkeys(claim.id for claim in self)
            raise BadSetting(f"no claim '{at}' was judged. {known(ids, instead_of=at)}")
        places = named([f"{c.labels[0]}, {c.where}" for c in those], between="; ")
        raise BadSetting(
            f"'{at}' was judged {len(those)} times ({places}). All of them: "
            f"claims().of('{at}')"
        )

    def of(self, name: str) -> Claims:
        """Those of one id: of several arms, rates or points of a sweep."""
        return Claims(claim for claim in self if claim.id == name)

    def __repr__(self) -> str:
        found = Counter(claim.verdict for claim in self)
        verdicts = ", ".join(f"{n} {verdict}" for verdict, n in found.most_common())
        return f"<Claims: {count(len(self), 'claim')} ({verdicts or 'none'})>"

    def __str__(self) -> str:
        return "\n".join(map(str, as_listed(self)))

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("claim", "measured", "verdict"))
        rows = "".join(
            f"<tr><td>{escape(claim.statement)}</td><td>{escape(claim.numbers)}</td>"
            f"<td><b>{claim.verdict}</b><br>{'<br>'.join(map(escape, claim.remarks))}"
            f"</td></tr>"
            for claim in as_listed(self)
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def claim_from(
    evidence: Evidence,
    ruling: Ruling,
    *,
    look: tuple[int, ...] = (),
    copies: str = "",
    norms: Mapping[str, str] | None = None,
    start: str = "",
) -> Claim:
    """Put a judged claim together, ratios back-transformed.

    Args:
        evidence: What the seeds say.
        ruling: The verdict.
        look: The seeds that were looked at.
        copies: Which test images are learnt as well: of claims about these.
        norms: That of each arm, by which a caveat fits; without them it is said.
        start: What all seeds were asked to start from.
    """
    definition = evidence.definition
    sides = directions(evidence.components, ruling.level)
    parts = [
        _part(c, s, definition) for c, s in zip(evidence.components, sides, strict=True)
    ]
    decider = parts[evidence.components.index(evidence.decider)]
    return Claim(
        definition=definition,
        arm=evidence.pairing.arm,
        baseline=evidence.pairing.baseline,
        labels=(evidence.pairing.called, evidence.pairing.baseline_called),
        rate=evidence.pairing.rate,
        point=evidence.pairing.point,
        compared=evidence.pairing.compared,
        axis=evidence.pairing.axis,
        baseline_rate=evidence.pairing.baseline_rate,
        estimate=decider.estimate,
        interval=decider.decides.interval,
        p=evidence.p,
        p_holm=ruling.p_holm,
        effects=decider.effects,
        planned=evidence.planned,
        verdict=ruling.verdict,
        note=ruling.note,
        beside=_beside(evidence),
        components=tuple(parts),
        veto=_part(evidence.veto, None, definition) if evidence.veto else None,
        decides=decider.decides,
        shares=_shares(evidence),
        level=ruling.level,
        look=look,
        final=ruling.final,
        pending=sum(gap.pending for gap in evidence.gaps),
        resolved=not unresolved(evidence),
        equal_seeds=equal_seeds(
            [run for twins in evidence.twins for run in (twins.baseline, twins.other)],
            start,
        ),
        caveat=_caveat(evidence, norms),
        caution=copies if definition.over_images else "",
    )


def _shares(evidence: Evidence) -> tuple[Share, ...]:
    counted = evidence.definition.counted
    if counted is None or not evidence.twins:
        return ()
    found = [counted(twins) for twins in evidence.twins]
    pairing, n = evidence.pairing, len(found)
    sides = (
        (pairing.baseline, pairing.baseline_called),
        (pairing.arm, pairing.called),
    )
    happened = [sum(side) for side in zip(*found, strict=True)]
    return tuple(
        Share(*side, k, n, exact_share(k, n)[1:3])
        for side, k in zip(sides, happened, strict=True)
    )


def _part(component: Component, side: int | None, definition: Definition) -> Part:
    sides: dict[int | None, Literal["above", "below", "equal"]] = {
        1: "above",
        -1: "below",
        0: "equal",
    }
    effects = zip(component.seeds, component.effects.tolist(), strict=True)
    mean = component.estimate.mean

    def back(decision: Decision) -> Decision:
        if decision.interval is None:
            return decision
        low, high = (shown(end, definition) for end in decision.interval)
        return decision._replace(interval=(low, high))

    return Part(
        name=component.name,
        side=sides.get(side),
        estimate=shown(mean, definition) if component.effects.size else None,
        decides=back(component.decides()),
        equivalence=back(component.decides(EQUIVALENCE)),
        p=component.p,
        p_worst=component.worst_p,
        missing=component.missing,
        images=component.images,
        effects=tuple(Effect(seed, shown(e, definition)) for seed, e in effects),
    )


def _caveat(evidence: Evidence, norms: Mapping[str, str] | None) -> str:
    """That of the claim, if exactly one of the arms has a norm that it is about."""
    definition, pairing = evidence.definition, evidence.pairing
    if norms is None or definition.own:
        return definition.caveat
    about = definition.caveat_about
    sides = {
        norms[arm] in about if about else norms[arm] != "none"
        for arm in (pairing.arm, pairing.baseline)
    }
    return definition.caveat if len(sides) == 2 else ""


def _beside(evidence: Evidence) -> str:
    definition = evidence.definition
    told = [_second(each, evidence) for each in definition.beside]
    if definition.where is not None and evidence.twins:
        told.insert(0, definition.where(evidence.twins))
    return "; ".join(text for text in told if text)


def _second(second: Second, evidence: Evidence) -> str:
    """What is shown beside, part by part; empty where no seed gives it."""
    definition, part = evidence.definition, evidence.decider
    effects = dict(zip(part.seeds, part.effects.tolist(), strict=True))
    known: dict[str, list[float]] = {}
    for twins in evidence.twins:
        if twins.seed in effects:
            for name, value in _given(second, twins, effects[twins.seed]).items():
                known.setdefault(name, []).append(value)
    told = [
        f"{name} {estimate_text(t_interval(values), definition)}".strip()
        for name, values in known.items()
    ]
    return f"{second.name}: {', '.join(told)}" if told else ""


def _given(second: Second, twins: Twins, effect: float) -> Mapping[str, float]:
    """The effects that are shown; none where the files of a probe give none."""
    try:
        found = second.effect(twins, effect)
        parts = found if isinstance(found, Mapping) else {"": found}
        return {n: e for n, e in parts.items() if _is_number(e)}
    except Exception:  # they may hold anything
        return {}


def _is_number(effect: object) -> TypeGuard[float]:
    return isinstance(effect, Real) and math.isfinite(effect)
