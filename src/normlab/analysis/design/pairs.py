"""Which runs are compared with which."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from normlab.analysis.claims.definition import Omitted, Twins
from normlab.analysis.design.fairness import unequal
from normlab.analysis.design.learning import NOT_SAID, Chance
from normlab.analysis.design.rates import Choice, choices, choosing
from normlab.analysis.text.words import ARMS, named, seeds_text
from normlab.records.observed.curvature import CurvatureArrays
from normlab.records.rows import ENDED, RunRecord, StudyRecord
from normlab.records.surface import Surface
from normlab.spec.plan import RunKey
from normlab.spec.point import SweepPoint, point_text
from normlab.spec.study import StudySpec

Compared = Literal["same-rate", "own-best", "all-rates", "over-sweep"]


class Pairing(NamedTuple):
    """An arm and the baseline, each at one rate: the twins of some seeds."""

    arm: str
    baseline: str
    rate: float
    """Of the arm; nan where all rates are compared, or none could be chosen."""
    point: SweepPoint = ()
    compared: Compared = "same-rate"
    own_rate: float | None = None
    """Of the baseline, where it has one of its own."""
    note: str = ""
    """Why no rates were chosen, if they were not."""
    pending: bool = False
    """Whether rates may yet be chosen."""
    axis: str = ""
    """The key along which effects are followed, over a sweep."""
    labels: tuple[str, str] = ("", "")
    """What readers see the arm and the baseline called."""

    @property
    def called(self) -> str:
        """The arm in a sentence: `with batch norm`."""
        return self.labels[0] or f"with {self.arm}"

    @property
    def baseline_called(self) -> str:
        """The baseline likewise: `without batch norm`."""
        return self.labels[1] or f"with {self.baseline}"

    @property
    def baseline_rate(self) -> float:
        """The rate of the baseline."""
        return self.rate if self.own_rate is None else self.own_rate

    def seeds(self, record: StudyRecord) -> tuple[int, ...]:
        """All seeds; at own best rates those that had no part in choosing them."""
        seeds = record.spec.seeds
        if self.compared != "own-best":
            return seeds
        chosen_by = choosing(record)
        return tuple(seed for seed in seeds if seed not in chosen_by)


def pairings(spec: StudySpec) -> tuple[Pairing, ...]:
    """Every arm against the baseline, at each rate and point that the study trains.

    Example:
        >>> [(p.arm, p.baseline, p.rate) for p in pairings(StudySpec())]
        [('batch', 'none', 0.01)]
    """
    base, labels = spec.baseline.name, spec.labels
    return tuple(
        Pairing(arm, base, rate, point, labels=(labels[arm], labels[base]))
        for point in spec.sweep.points
        for rate in spec.recipe.rates
        for arm in _others(spec)
    )


def all_pairings(record: StudyRecord) -> tuple[Pairing, ...]:
    """Those at the same rate; with several rates, also at own best and over all."""
    spec = record.spec
    if len(spec.recipe.rates) < 2:
        return pairings(spec)
    same = pairings(spec)
    # nan is unequal to itself, but one object of it is found again
    over_rates = dict.fromkeys(
        p._replace(rate=math.nan, compared="all-rates") for p in same
    )
    return (*same, *own_best_pairings(record), *over_rates)


def own_best_pairings(record: StudyRecord) -> tuple[Pairing, ...]:
    """Every arm against the baseline, each at its own best rate (see `rates`)."""
    chosen = {(choice.arm, choice.point): choice for choice in choices(record)}
    spec = record.spec
    base, labels = spec.baseline.name, spec.labels
    return tuple(
        _at_own_best(
            chosen[arm, point], chosen[base, point], (labels[arm], labels[base])
        )
        for point in spec.sweep.points
        for arm in _others(spec)
        if (arm, point) in chosen
    )


def _at_own_best(other: Choice, baseline: Choice, labels: tuple[str, str]) -> Pairing:
    missing = baseline.because or other.because
    lost = [side for side in (baseline, other) if side.because and not side.pending]
    return Pairing(
        other.arm,
        baseline.arm,
        rate=math.nan if missing else other.rate,
        point=other.point,
        compared="own-best",
        own_rate=math.nan if missing else baseline.rate,
        note=lost[0].because if lost else missing,
        pending=bool(missing) and not lost,
        labels=labels,
    )


def choice_lines(record: StudyRecord) -> tuple[str, ...]:
    """Which rates are each arm's own best, and who chose them; of many points some."""
    found, labels = choices(record), record.spec.labels
    by_point: dict[SweepPoint, list[str]] = {}
    for choice in found:
        if not choice.because:
            rates = by_point.setdefault(choice.point, [])
            rates.append(f"{labels[choice.arm]} {choice.rate:g}")
    places = [
        ", ".join(filter(None, (point_text(point), *rates)))
        for point, rates in by_point.items()
    ]
    seeds = seeds_text(choosing(record))
    start = f"own best rates, chosen by {seeds} on images held out of the training part"
    return (f"{start}: {named(places, ARMS, '; ')}",) if places else ()


def _others(spec: StudySpec) -> tuple[str, ...]:
    return tuple(arm.name for arm in spec.arms if arm != spec.baseline)


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The runs of a study, found by what was asked for."""

    by_key: dict[RunKey, RunRecord]
    classes: int | None
    chance: Chance = NOT_SAID
    bowls: Mapping[tuple[RunKey, str], Surface] = field(default_factory=dict)
    """By the run that was measured and the arm that spans the plane."""
    rates: tuple[float, ...] = ()
    """The grid, without what was refined for one arm."""

    @classmethod
    def of(cls, record: StudyRecord) -> Runs:
        """All runs of the record, whether they have ended or not."""
        return cls(
            by_key={run.key: run for run in record.runs},
            bowls={(b.run, b.twin or ""): b.surface for b in record.bowls},
            rates=record.spec.recipe.rates,
            classes=record.classes,
            chance=Chance.of(record),
        )

    def twins(self, pairing: Pairing, seed: int) -> Twins | Omitted:
        """The two runs of this seed, or which of them has not ended."""
        if pairing.compared == "all-rates":
            return self._over_rates(pairing, seed)
        sides = (
            (pairing.baseline, pairing.baseline_rate),
            (pairing.arm, pairing.rate),
        )
        if math.isnan(pairing.rate):
            return Omitted(pairing.note, pairing.pending)
        found = [self._ended(RunKey(*side, seed, pairing.point)) for side in sides]
        runs = [run for run in found if not isinstance(run, Omitted)]
        if len(runs) < len(found):
            return next(run for run in found if isinstance(run, Omitted))
        baseline, other = runs
        if differing := unequal(runs):
            return Omitted(f"the twins are not equal in their {differing}")
        return Twins(
            seed=seed,
            baseline=baseline,
            other=other,
            bowls=self._bowls(baseline.key, other.key),
            classes=self.classes,
            chance=self.chance,
        )

    def have_surfaces(self, pairing: Pairing) -> bool:
        """Whether surfaces or curvatures of these arms were measured at this rate."""
        sides = {
            (pairing.baseline, pairing.baseline_rate, pairing.point),
            (pairing.arm, pairing.rate, pairing.point),
        }
        return not sides.isdisjoint(self._measured)

    @cached_property
    def _measured(self) -> frozenset[tuple[str, float, SweepPoint]]:
        """Arms, rates and points that surfaces or curvatures were measured of."""
        curved = (r.key for r in self.by_key.values() if CurvatureArrays in r.observed)
        measured = itertools.chain(curved, (key for key, _ in self.bowls))
        return frozenset((key.arm, key.rate, key.point) for key in measured)

    def _bowls(self, baseline: RunKey, other: RunKey) -> tuple[Surface, Surface] | None:
        """Both twins on the plane that they span, if it was measured."""
        found = [self.bowls.get((key, other.arm)) for key in (baseline, other)]
        one, two = found
        return None if one is None or two is None else (one, two)

    def _over_rates(self, pairing: Pairing, seed: int) -> Twins | Omitted:
        """The runs of this seed at every rate of the grid."""
        ladders: list[tuple[RunRecord, ...]] = []
        for arm in (pairing.baseline, pairing.arm):
            keys = [RunKey(arm, rate, seed, pairing.point) for rate in self.rates]
            found = [self._ended(key) for key in keys]
            runs = tuple(run for run in found if not isinstance(run, Omitted))
            if len(runs) < len(found):
                return next(run for run in found if isinstance(run, Omitted))
            ladders.append(runs)
        baseline, other = ladders
        for twins in zip(baseline, other, strict=True):
            if differing := unequal(twins):
                return Omitted(f"the twins are not equal in their {differing}")
        return Twins(
            seed=seed,
            baseline=baseline[0],
            other=other[0],
            baseline_rates=baseline,
            other_rates=other,
            classes=self.classes,
            chance=self.chance,
        )

    def _ended(self, key: RunKey) -> RunRecord | Omitted:
        run = self.by_key.get(key)
        status = run.status if run else "queued"
        if run is None or status not in ENDED:
            # a run that was never begun has no record, and so no label
            label = run.called if run else f"with {key.arm}"
            return Omitted(f"the run {label} is {status}", pending=True)
        return run
