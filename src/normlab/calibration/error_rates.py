"""How often claims are wrong where nothing differs: A/A studies from real runs.

Every study goes through the measures, the tests and the judge that any study goes
through. What a measure says of a pair of runs is computed once and remembered: the
thousands of studies meet the same pairs again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from normlab.analysis.analyse import gather, rule
from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition, Measured, Twins
from normlab.analysis.inference.component import MIN_SEEDS
from normlab.analysis.inference.evidence import Evidence
from normlab.analysis.inference.holm import Others
from normlab.analysis.inference.spending import LEVEL
from normlab.analysis.inference.verdict import judge
from normlab.calibration.equal_arms import studies_of_ladders, studies_of_runs
from normlab.calibration.pool import Pool
from normlab.records.rows import StudyRecord

ANY = "any claim"
"""The row about whole families of claims."""
EVERY = "over all lr"
_OF_LADDERS = ("trains-at-all", "wider-learning-rates")


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What A/A studies of one size say about one claim, or about any."""

    claim: str
    where: str
    """Among which runs, if not all of one learning rate."""
    seeds: int
    studies: int
    judged: int
    """Studies in which three pairs or more have an effect: only there one can fall."""
    pairs: float
    """Share of the pairs drawn that have an effect."""
    differing: float
    """Share of the pairs drawn that have an effect other than exactly none."""
    alone: int
    """Judged studies that call it supported or contradicted, though nothing differs."""
    false: int
    """The same after correction for all claims of the study."""
    missed: int
    """Studies whose paired t interval does not cover equality, of those with one."""
    intervals: int

    @property
    def good(self) -> bool:
        """Whether each share is at most 5 % plus two of its standard errors."""
        counts = (
            (self.alone, self.judged),
            (self.false, self.judged),
            (self.missed, self.intervals),
        )
        return all(wrong <= most(of) for wrong, of in counts)


def most(studies: int) -> float:
    """How many of these studies may be wrong: 5 % and two standard errors."""
    return studies * LEVEL + 2 * math.sqrt(studies * LEVEL * (1 - LEVEL))


def calibrate(pool: Pool, *, seeds: int, studies: int) -> tuple[Calibration, ...]:
    """Judge every claim in many A/A studies.

    Args:
        pool: Runs of one arm that differ in their seeds alone; 60 or more.
        seeds: Pairs per study.
        studies: How many are drawn of each kind (see `equal_arms`).

    Returns:
        One row per claim, in the order in which claims are shown, then one about
        the whole family; of claims on ladders likewise.
    """
    size = {"seeds": seeds, "studies": studies}
    # the pool was trained before curvatures were measured
    definitions = remembering(d for d in DEFINITIONS if not d.surfaces)
    rows = [*_count(studies_of_runs(pool, **size), definitions, **size)]
    if pool.ladders:
        about = [d for d in definitions if d.id in _OF_LADDERS]
        rows += _count(studies_of_ladders(pool, **size), about, **size)
    return tuple(rows)


def remembering(
    definitions: Iterable[Definition] = DEFINITIONS,
) -> tuple[Definition, ...]:
    """The same claims, which measure no pair of runs of a pool twice."""
    return tuple(replace(d, effect=_Remembered(d)) for d in definitions)


@dataclass
class _Remembered:
    """The effect of a claim by the pair it is of."""

    definition: Definition
    known: dict[Hashable, Measured] = field(default_factory=dict)

    def __call__(self, twins: Twins) -> Measured:
        pair = self._pair(twins)
        if pair not in self.known:
            self.known[pair] = self.definition.effect(twins)
        return self.known[pair]

    def _pair(self, twins: Twins) -> Hashable:
        if self.definition.compares == "rates":
            return object()  # quickly measured
        return id(twins.baseline.step_losses), id(twins.other.step_losses)


class _Tally:
    """Counts about one claim, or about any."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, evidence: Evidence, verdict: str) -> bool:
        """Count one judged claim; whether its verdict is false."""
        counts, interval = self.counts, evidence.decider.decides().interval
        false = verdict in _DECIDED
        counts["planned"] += evidence.planned
        counts["effects"] += evidence.effects.size
        counts["differing"] += int((evidence.effects != 0).sum())
        counts["judged"] += evidence.effects.size >= MIN_SEEDS
        counts["alone"] += judge(evidence, Others(())).verdict in _DECIDED
        counts["false"] += false
        counts["intervals"] += interval is not None
        if interval is not None:
            counts["missed"] += not interval[0] <= 0 <= interval[1]
        return false

    def row(self, claim: str, where: str, *, seeds: int, studies: int) -> Calibration:
        """The counts as they are shown."""
        counts = self.counts
        planned = max(counts["planned"], 1)
        return Calibration(
            claim=claim,
            where=where,
            seeds=seeds,
            studies=studies,
            judged=counts["judged"],
            pairs=counts["effects"] / planned,
            differing=counts["differing"] / planned,
            alone=counts["alone"],
            false=counts["false"],
            missed=counts["missed"],
            intervals=counts["intervals"],
        )


_DECIDED = ("supported", "contradicted", "mixed")


def _count(
    records: Iterable[StudyRecord],
    definitions: Sequence[Definition],
    *,
    seeds: int,
    studies: int,
) -> Iterator[Calibration]:
    tallies: dict[tuple[str, str], _Tally] = {}
    whole = _Tally()
    for record in records:
        family = gather(record, definitions)
        false = [
            tallies.setdefault(_name(evidence), _Tally()).add(evidence, ruling.verdict)
            for evidence, ruling in zip(family, rule(family), strict=True)
        ]
        whole.counts.update(judged=1, false=any(false))
    ladders = any(where == EVERY for _, where in tallies)
    for (claim, where), tally in tallies.items():
        # of the rates of a ladder only those at which runs end differently
        if tally.counts["differing"] or not ladders:
            yield tally.row(
                claim, where if ladders else "", seeds=seeds, studies=studies
            )
    yield whole.row(ANY, EVERY if ladders else "", seeds=seeds, studies=studies)


def _name(evidence: Evidence) -> tuple[str, str]:
    pairing = evidence.pairing
    every = pairing.compared == "all-rates"
    return evidence.definition.id, EVERY if every else f"lr {pairing.rate:g}"
