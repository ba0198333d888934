"""A judged claim: what was stated, what was measured, and what follows."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from normlab.analysis.claims.definition import Definition, Twins
from normlab.analysis.design.fairness import equal_seeds
from normlab.analysis.design.pairs import Compared
from normlab.analysis.inference.evidence import Evidence
from normlab.analysis.inference.interval import t_interval
from normlab.analysis.inference.verdict import Ruling, Verdict
from normlab.analysis.text.words import count, effect_text, interval_text
from normlab.spec.point import SweepPoint, point_text

_LARGEST_LOG = math.log(sys.float_info.max)


class Effect(NamedTuple):
    """What the twins of one seed show: a ratio (1 = equal) or a difference."""

    seed: int
    value: float


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement about an arm against the baseline, with its verdict.

    Ratios are back-transformed: 1 means equal. Accuracies are fractions.
    """

    definition: Definition
    arm: str
    baseline: str
    rate: float
    """Of the arm; nan where all rates are compared, or none could be chosen."""
    point: SweepPoint = ()
    compared: Compared = "same-rate"
    baseline_rate: float = math.nan
    estimate: float | None
    interval: tuple[float, float] | None
    """95 % paired t interval over seeds."""
    over_images: tuple[float, float] | None
    """95 % interval with the test images drawn anew too; only for accuracies."""
    p: float | None
    p_holm: float | None
    effects: tuple[Effect, ...]
    planned: int
    """Seeds of the study; those with an effect may be fewer."""
    verdict: Verdict
    note: str
    """The reason for the verdict."""
    beside: str
    """A second measure that is shown but not judged, e.g. the ratio in seconds."""
    equal_seeds: str = ""
    """What it means that seeds start from the same weights; empty if none do."""
    caution: str = ""
    """What of the data weakens the claim, e.g. test images that were learnt."""

    @property
    def id(self) -> str:
        """The claim's name, e.g. `better-accuracy`."""
        return self.definition.id

    @property
    def statement(self) -> str:
        """What is claimed, with the arms named."""
        return self.definition.statement.format(arm=self.arm, baseline=self.baseline)

    @property
    def where(self) -> str:
        """The rates and the point of the sweep that were compared.

        Example: `lr 0.01, batch_size 8`, or `each at its own best lr`.
        """
        words = {
            "same-rate": f"lr {self.rate:g}",
            "own-best": "each at its own best lr",
            "all-rates": "over all lr",
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
    def headline(self) -> tuple[float, float] | None:
        """The wider of both intervals: the one that the verdict was read from."""
        known = [ends for ends in (self.interval, self.over_images) if ends]
        return max(known, key=lambda ends: ends[1] - ends[0]) if known else None

    @property
    def small(self) -> bool:
        """Whether all of that interval lies inside the margin: too little to matter."""
        ends, margin = self.headline, self.definition.margin
        if ends is None or margin is None:
            return False
        if self.definition.scale == "ratio":
            return all(1 / margin <= end <= margin for end in ends)
        return all(abs(end) <= margin for end in ends)

    @property
    def numbers(self) -> str:
        """Estimate, intervals and wins as one line of text."""
        if self.estimate is None:
            return "not measured"
        measured = effect_text(self.estimate, self.definition)
        if self.interval:
            measured += f" [{interval_text(self.interval, self.definition)}]"
        if self.over_images:
            anew = interval_text(self.over_images, self.definition)
            measured += f", with the test images drawn anew too [{anew}]"
        return f"{measured}, wins {self.wins} of {count(self.seeds, 'seed')}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """The reason for the verdict, what is shown beside it, what weakens it."""
        weaker = self.equal_seeds, self.caution, self.definition.caveat
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
    """All claims of a study; prints as text and, in a notebook, as a table."""

    __slots__ = ()

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
    evidence: Evidence, p_holm: float | None, ruling: Ruling, *, copies: str = ""
) -> Claim:
    """Put a judged claim together, ratios back-transformed.

    Args:
        evidence: What the seeds say.
        p_holm: The corrected p, if there is one.
        ruling: The verdict.
        copies: Which test images are learnt as well: of claims about these.
    """
    definition = evidence.definition
    back = _ratio if definition.scale == "ratio" else float
    estimate = evidence.over_seeds()
    effects = zip(evidence.twins, evidence.effects, strict=True)

    def both(ends: tuple[float, float] | None) -> tuple[float, float] | None:
        return (back(ends[0]), back(ends[1])) if ends else None

    return Claim(
        definition=definition,
        arm=evidence.pairing.arm,
        baseline=evidence.pairing.baseline,
        rate=evidence.pairing.rate,
        point=evidence.pairing.point,
        compared=evidence.pairing.compared,
        baseline_rate=evidence.pairing.baseline_rate,
        estimate=back(estimate.mean) if estimate.seeds else None,
        interval=both(estimate.interval),
        over_images=both(evidence.over_images()),
        p=evidence.p,
        p_holm=p_holm,
        effects=tuple(Effect(twins.seed, back(effect)) for twins, effect in effects),
        planned=evidence.planned,
        verdict=ruling.verdict,
        note=_note(evidence, ruling),
        beside=_beside(evidence),
        equal_seeds=equal_seeds(
            [run for twins in evidence.twins for run in (twins.baseline, twins.other)]
        ),
        caution=copies if definition.over_images else "",
    )


def _note(evidence: Evidence, ruling: Ruling) -> str:
    chosen = evidence.pairing.note
    return f"{ruling.note}; {chosen}" if chosen not in ruling.note else ruling.note


def _beside(evidence: Evidence) -> str:
    definition = evidence.definition
    if definition.beside is None:
        return ""
    pairs = zip(evidence.twins, evidence.effects.tolist(), strict=True)
    values = [_second(definition.beside, *pair) for pair in pairs]
    known = [value for value in values if value is not None]
    if not known:
        return ""
    estimate = t_interval(known)
    back = _ratio if definition.scale == "ratio" else float
    text = f"{definition.beside_name}: {effect_text(back(estimate.mean), definition)}"
    if estimate.interval is None:
        return text
    low, high = estimate.interval
    return f"{text} [{interval_text((back(low), back(high)), definition)}]"


def _second(
    beside: Callable[[Twins, float], float | None], twins: Twins, effect: float
) -> float | None:
    """The effect that is shown beside; none where the files of a probe give none."""
    try:
        value = beside(twins, effect)
    except Exception:  # they may hold anything
        return None
    return value if value is not None and math.isfinite(value) else None


def _ratio(log: float) -> float:
    """Of a logarithm; as large as a float can be where it is larger."""
    return math.exp(min(log, _LARGEST_LOG))
