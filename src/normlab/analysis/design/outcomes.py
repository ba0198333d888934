"""Where every run trained, and where none did: said in one line, not judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from normlab.analysis.claims.definition import Twins
from normlab.analysis.design.learning import Chance, trained
from normlab.analysis.design.pairs import Pairing, Runs, pairings
from normlab.analysis.text.words import ARMS, count, named
from normlab.records.rows import ENDED, StudyRecord
from normlab.spec.labels import beside
from normlab.spec.point import SweepPoint, point_text


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How many runs of one pairing trained."""

    pairing: Pairing
    planned: int
    ended: int
    """Pairs of which both runs have ended."""
    runs: int
    """That these pairs have: two each, or those at all rates."""
    trained: int
    """Of these runs."""

    @classmethod
    def of(cls, pairing: Pairing, runs: Runs, seeds: Sequence[int]) -> Self:
        """Count the runs of these seeds."""
        pairs = [
            pair
            for seed in seeds
            if isinstance(pair := runs.twins(pairing, seed), Twins)
        ]
        every = [
            run
            for pair in pairs
            for run in (
                pair.baseline_rates + pair.other_rates or (pair.baseline, pair.other)
            )
        ]
        return cls(
            pairing=pairing,
            planned=len(seeds),
            ended=len(pairs),
            runs=len(every),
            trained=sum(trained(run, runs.chance) for run in every),
        )

    @property
    def all_trained(self) -> bool:
        """Whether there is no run so far that did not train."""
        return self.trained == self.runs

    @property
    def none_trained(self) -> bool:
        """Whether all have ended, and no run of either arm trained."""
        return self.ended == self.planned and self.runs > 0 == self.trained


def training_lines(record: StudyRecord) -> tuple[str, ...]:
    """What is said of the places where nothing of it is judged."""
    runs = Runs.of(record)
    found = [
        Outcome.of(pairing, runs, pairing.seeds(record))
        for pairing in pairings(record.spec)
    ]
    lines = [
        *_lines([o for o in found if o.all_trained and o.ended], record, _EVERY),
        *_lines([o for o in found if o.none_trained], record, _NOBODY),
    ]
    if runs.chance.unknown and any(o.ended for o in found):
        lines.append(_UNKNOWN.format(why=runs.chance.unknown))
    return tuple(lines)


def untrained_at(
    record: StudyRecord, rate: float, point: SweepPoint = ()
) -> dict[str, tuple[int, int]]:
    """By arm, how many runs at one rate and point did not train, and how many ended.

    Arms of which no run has ended are left out.
    """
    chance = Chance.of(record)
    found: dict[str, list[bool]] = {}
    for run in record.runs:
        if (run.key.rate, run.key.point) == (rate, point) and run.status in ENDED:
            found.setdefault(run.key.arm, []).append(not trained(run, chance))
    return {arm: (sum(lost), len(lost)) for arm, lost in found.items()}


_EVERY = "every run {arm} and {base} trained{where} ({seeds})"
_NOBODY = (
    "no run {arm} or {base} trained{where} ({seeds}): nothing else is said of them"
)
_UNKNOWN = (
    "which loss is that of chance is not known ({why}), so only runs whose loss is not "
    "finite count as runs that did not train"
)


def _lines(
    outcomes: Iterable[Outcome], record: StudyRecord, words: str
) -> Iterable[str]:
    by_arm: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_arm.setdefault(outcome.pairing.arm, []).append(outcome)
    several = len(record.spec.recipe.rates) > 1 or record.spec.sweep.axes
    for those in by_arm.values():
        where = f" at {named(list(map(_place, those)), ARMS, '; ')}" if several else ""
        ended = sorted({outcome.ended for outcome in those})
        seeds = count(ended[-1], "seed")
        if len(ended) > 1:
            seeds = f"{ended[0]} to {seeds}"
        pair = those[0].pairing
        base = beside(pair.baseline_called, pair.called)
        yield words.format(base=base, arm=pair.called, where=where, seeds=seeds)


def _place(outcome: Outcome) -> str:
    rate, point = outcome.pairing.rate, outcome.pairing.point
    return ", ".join(filter(None, (f"lr {rate:g}", point_text(point))))
