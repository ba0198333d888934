"""Which runs are compared with which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from normlab.analysis.claims.definition import Omitted, Twins
from normlab.records.rows import ENDED, RunRecord, StudyRecord
from normlab.spec.plan import RunKey
from normlab.spec.study import StudySpec


class Pairing(NamedTuple):
    """An arm and the baseline, both at one rate: the twins of all seeds."""

    arm: str
    baseline: str
    rate: float


def pairings(spec: StudySpec) -> tuple[Pairing, ...]:
    """Every arm against the baseline, at each rate that the study trains.

    Comparing each arm at a rate of its own would add its pairings here.

    Example:
        >>> pairings(StudySpec(arms=("none", "batch")))
        (Pairing(arm='batch', baseline='none', rate=0.01),)
    """
    baseline = spec.baseline.name
    return tuple(
        Pairing(arm.name, baseline, rate)
        for rate in spec.recipe.rates
        for arm in spec.arms
        if arm.name != baseline
    )


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The runs of a study, found by what was asked for."""

    by_key: dict[RunKey, RunRecord]
    classes: int | None

    @classmethod
    def of(cls, record: StudyRecord) -> Runs:
        """All runs of the record, whether they have ended or not."""
        named = record.meta.get("classes", "")
        return cls(
            by_key={run.key: run for run in record.runs},
            classes=int(named) if named.isdecimal() else None,
        )

    def twins(self, pairing: Pairing, seed: int) -> Twins | Omitted:
        """The two runs of this seed, or which of them has not ended."""
        found: list[RunRecord] = []
        for arm in (pairing.baseline, pairing.arm):
            run = self.by_key.get(RunKey(arm, pairing.rate, seed))
            status = run.status if run else "queued"
            if run is None or status not in ENDED:
                return Omitted(f"{arm} is {status}")
            found.append(run)
        baseline, other = found
        return Twins(seed=seed, baseline=baseline, other=other, classes=self.classes)
