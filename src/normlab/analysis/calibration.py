"""How often claims are wrong where nothing differs: A/A studies from real runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from normlab.analysis.analyse import judge_all
from normlab.analysis.claim import Claim
from normlab.analysis.outlook import LEVEL
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.arms import Arm
from normlab.spec.plan import RunKey
from normlab.spec.study import StudySpec

ARMS = (Arm(name="none", norm="none"), Arm(name="again", norm="none"))
# The same studies are drawn whenever the same pool is calibrated.
ADDRESS = int.from_bytes(b"A/A studies", "big")


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What A/A studies of one size say about one claim."""

    claim: str
    seeds: int
    studies: int
    false: int
    """Studies that call it supported or contradicted, though the arms are the same."""
    missed: int
    """Studies whose paired t interval does not cover equality, of those with one."""
    intervals: int

    @property
    def good(self) -> bool:
        """Whether both shares are at most 5 % plus two of their standard errors."""
        return self.false <= most(self.studies) and self.missed <= most(self.intervals)


def most(studies: int) -> float:
    """How many of these studies may be wrong: 5 % and two standard errors."""
    return studies * LEVEL + 2 * math.sqrt(studies * LEVEL * (1 - LEVEL))


def calibrate(
    pool: Sequence[RunRecord], *, seeds: int, studies: int
) -> tuple[Calibration, ...]:
    """Judge every claim in many A/A studies.

    Args:
        pool: Runs of one arm that differ in their seeds alone; 60 or more.
        seeds: Pairs per study; each study uses twice as many runs.
        studies: How many are drawn.

    Returns:
        One row per claim, in the order in which claims are shown.
    """
    false: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    intervals: Counter[str] = Counter()
    names: dict[str, None] = {}
    for record in aa_studies(pool, seeds=seeds, studies=studies):
        for claim in judge_all(record):
            names[claim.id] = None
            false[claim.id] += claim.verdict in ("supported", "contradicted")
            intervals[claim.id] += claim.interval is not None
            missed[claim.id] += not _covers_equal(claim)
    return tuple(
        Calibration(
            claim=name,
            seeds=seeds,
            studies=studies,
            false=false[name],
            missed=missed[name],
            intervals=intervals[name],
        )
        for name in names
    )


def aa_studies(
    pool: Sequence[RunRecord], *, seeds: int, studies: int
) -> Iterator[StudyRecord]:
    """Studies of two arms that are the same: disjoint runs, paired at random."""
    stream = np.random.default_rng([ADDRESS, seeds])
    spec = StudySpec(arms=ARMS, seeds=tuple(range(seeds)))
    rate = spec.recipe.rates[0]
    keys = [RunKey(arm.name, rate, seed) for seed in spec.seeds for arm in ARMS]
    for _ in range(studies):
        drawn = stream.permutation(len(pool))[: len(keys)]
        runs = (replace(pool[i], key=key) for i, key in zip(drawn, keys, strict=True))
        yield StudyRecord(spec=spec, runs=tuple(runs))


def _covers_equal(claim: Claim) -> bool:
    equal = 1.0 if claim.definition.scale == "ratio" else 0.0
    return claim.interval is None or claim.interval[0] <= equal <= claim.interval[1]
