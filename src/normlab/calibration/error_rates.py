"""How often verdicts are wrong where nothing differs that a claim is about.

Every study goes through the measures, the tests and the judge that any study goes
through. What a measure says of a pair of runs is computed once and remembered: the
thousands of studies meet the same pairs again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from normlab.analysis.analyse import gather, rule
from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition, Measured, Twins
from normlab.analysis.design.learning import trained
from normlab.analysis.inference.component import MIN_SEEDS
from normlab.analysis.inference.evidence import Evidence
from normlab.analysis.inference.holm import Others
from normlab.analysis.inference.verdict import judge
from normlab.calibration.drawn import CHANCE, Drawn, studies_of_ladders, studies_of_runs
from normlab.calibration.placebo import Placebo, placebos
from normlab.calibration.pool import Pool
from normlab.calibration.share import Share, share
from normlab.records.rows import RunRecord

ANY = "any claim"
"""The row about whole families of claims."""
EQUAL = "equal arms"
LADDERS = "equal arms at several learning rates"
FAILING = "equal arms at a rate where some do not train"
LEAST_COVERED = 0.93
_FALSE = ("supported", "contradicted", "mixed")


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What studies of one kind and size say about one claim, or about any."""

    kind: str
    """What the arms differ in."""
    claim: str
    seeds: int
    studies: int
    judged: int
    """Studies in which three pairs or more have an effect: only there one can fall."""
    pairs: float
    """Share of the pairs drawn that have an effect."""
    alone: Share
    """Judged studies that call it supported, contradicted or mixed by itself."""
    false: Share
    """The same after correction for all claims of the study."""
    equal: Share
    """Those that call it no-difference with every effect moved by just the margin."""
    missed: Share
    """Intervals of its components that do not cover equality."""

    @property
    def good(self) -> bool:
        """Whether each share is at most 5 % plus two of its standard errors.

        Of intervals 7 % may miss. What placebos measure need not be equal, like raw
        roughness, so long as no verdict follows: only false ones count there.
        """
        if self.kind not in (EQUAL, LADDERS, FAILING):
            return self.alone.good and self.false.good
        covered = self.missed.rate <= 1 - LEAST_COVERED
        return covered and all(s.good for s in (self.alone, self.false, self.equal))


def calibrate(
    pool: Pool, *, sizes: Sequence[int], studies: int
) -> tuple[Calibration, ...]:
    """Judge every claim in many studies that should find nothing.

    Args:
        pool: Runs of one arm that differ in their seeds alone; 60 or more.
        sizes: Numbers of seeds of a study.
        studies: How many are drawn of each kind (see `drawn` and `placebo`) and size.

    Returns:
        For every size and kind one row per claim, in the order in which claims are
        shown, then one about the whole family.
    """
    equal = Placebo(name=EQUAL, baseline=pool.runs, other=pool.runs, about=DEFINITIONS)
    kinds = [(one, remembering(one.about)) for one in (equal, *placebos(pool))]
    rows: list[Calibration] = []
    for seeds in sizes:
        size = {"seeds": seeds, "studies": studies}
        for name, ladders in _ladders(pool):
            about = [d for d in DEFINITIONS if d.untrained and not d.over_images]
            drawn = studies_of_ladders(ladders, **size)
            rows += _count(name, drawn, about, **size)
        for kind, about in kinds:
            drawn = studies_of_runs(kind.baseline, kind.other, **size)
            rows += _count(kind.name, drawn, about, **size)
    return tuple(rows)


def _ladders(pool: Pool) -> Iterator[tuple[str, Sequence[Sequence[RunRecord]]]]:
    if pool.ladders:
        yield LADDERS, pool.ladders
        at = _half_way(pool.ladders)
        yield FAILING, [ladder[at : at + 1] for ladder in pool.ladders]


def _half_way(ladders: Sequence[Sequence[RunRecord]]) -> int:
    """Which rate is the one at which about half of the runs train."""
    at_each = zip(*ladders, strict=True)
    share = [np.mean([trained(run, CHANCE) for run in runs]) for runs in at_each]
    return int(np.argmin(np.abs(np.array(share) - 0.5)))


def remembering(definitions: Iterable[Definition]) -> tuple[Definition, ...]:
    """The same claims, which measure no pair of runs of a pool twice."""
    return tuple(
        d if d.over_images or d.compares == "rates" else replace(d, effect=_Known(d))
        for d in definitions
    )


@dataclass
class _Known:
    """The effect of a claim by the pair it is of; the runs must not be forgotten."""

    definition: Definition
    known: dict[Hashable, Measured] = field(default_factory=dict)

    def __call__(self, twins: Twins) -> Measured:
        # drawing renames runs, and leaves their arrays alone
        pair = id(twins.baseline.step_losses), id(twins.other.step_losses)
        if pair not in self.known:
            self.known[pair] = self.definition.effect(twins)
        return self.known[pair]


class _Tally:
    """What the studies of one kind say about one claim."""

    def __init__(self) -> None:
        self.planned = self.effects = 0
        self.members: list[np.ndarray] = []
        self.alone: list[bool] = []
        self.false: list[bool] = []
        self.equal: list[bool] = []
        self.missed: list[tuple[np.ndarray, bool]] = []

    def add(self, drawn: Drawn, evidence: Evidence, verdict: str) -> bool:
        """Count one judged claim; whether its verdict is false."""
        self.planned += evidence.planned
        self.effects += evidence.effects.size
        for part in evidence.components:
            if ends := part.decides().interval:
                self.missed.append((drawn.members, not ends[0] <= 0 <= ends[1]))
        if evidence.effects.size >= MIN_SEEDS:
            self.members.append(drawn.members)
            self.alone.append(judge(evidence, Others(())).verdict in _FALSE)
            self.false.append(verdict in _FALSE)
            self.equal.append(_called_equal_at_the_margin(evidence))
        return verdict in _FALSE

    def row(self, kind: str, claim: str, seeds: int, studies: int) -> Calibration:
        """The counts as they are shown."""
        return Calibration(
            kind=kind,
            claim=claim,
            seeds=seeds,
            studies=studies,
            judged=len(self.members),
            pairs=self.effects / max(self.planned, 1),
            alone=share(self.alone, self.members),
            false=share(self.false, self.members),
            equal=share(self.equal, self.members),
            missed=share([m for _, m in self.missed], [of for of, _ in self.missed]),
        )


def _called_equal_at_the_margin(evidence: Evidence) -> bool:
    """Whether effects that are moved by the margin, just too far, count as equal."""
    if any(part.exact or part.margin is None for part in evidence.components):
        return False
    moved = tuple(
        replace(part, effects=part.effects + (part.margin or 0.0))
        for part in evidence.components
    )
    there = replace(evidence, components=moved)
    return judge(there, Others(())).verdict == "no-difference"


def _count(
    kind: str,
    studies_drawn: Iterable[Drawn],
    definitions: Sequence[Definition],
    *,
    seeds: int,
    studies: int,
) -> Iterator[Calibration]:
    tallies: dict[str, _Tally] = {}
    any_false: list[bool] = []
    members: list[np.ndarray] = []
    for drawn in studies_drawn:
        family = gather(drawn.record, definitions)
        found = False
        for evidence, ruling in zip(
            family, rule(family, drawn.record.spec), strict=True
        ):
            if ruling.verdict != "description":
                tally = tallies.setdefault(evidence.definition.id, _Tally())
                found |= tally.add(drawn, evidence, ruling.verdict)
        any_false.append(found)
        members.append(drawn.members)
    for claim, tally in tallies.items():
        yield tally.row(kind, claim, seeds, studies)
    whole = _Tally().row(kind, ANY, seeds, studies)
    yield replace(whole, judged=studies, false=share(any_false, members))
