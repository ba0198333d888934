"""What was proven equal between the arms of every seed, from the stored digests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from normlab.analysis.text.words import count
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.point import point_text

_NAMED = 4  # tensors; a network may have hundreds
_SETS = 10  # that differ; a study may have thousands


@dataclass(frozen=True, kw_only=True)
class Fairness:
    """Twins whose start and batches are known from both sides, and which differ."""

    compared: int
    """Sets of twins (one per seed and rate, and point of a sweep) with two or more
    runs that started."""
    planned: int
    shared: tuple[int, ...]
    """How many tensors twins have in common; several numbers where sets differ."""
    unequal_start: tuple[str, ...]
    unequal_batches: tuple[str, ...]
    differences: tuple[str, ...] = ()
    """What the networks of arms differ in beside their norms."""
    equal_seeds: str = ""
    """What it means that seeds start from the same weights; empty if none do."""
    notes: tuple[str, ...] = ()
    """What else readers must know of the networks, such as norms in all arms."""

    @property
    def proven(self) -> bool:
        """Whether compared twins differ in their norms alone, and there are some."""
        differing = self.unequal_start or self.unequal_batches or self.differences
        return self.compared > 0 and not differing

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else must be known, in sentences."""
        return tuple(filter(None, (self.equal_seeds, *self.notes)))

    def __str__(self) -> str:
        if self.planned == 0:
            return "one arm only: nothing to compare"
        if self.compared == 0:
            return "not proven yet: no two arms of one seed have started"
        of = f"{self.compared:,} of {count(self.planned, 'twin set')}"
        if differing := [*self.unequal_start, *self.unequal_batches]:
            more = len(differing) - _SETS
            named = "; ".join(differing[:_SETS]) + (
                f" and {more:,} more" if more > 0 else ""
            )
            return f"NOT equal between the arms (compared: {of}): {named}"
        equal = (
            f"in {of} the {_range(self.shared)} shared initial "
            f"{'tensor' if self.shared == (1,) else 'tensors'} and the batch order "
            f"have equal hashes"
        )
        if self.differences:
            beside = "; ".join(self.differences)
            return f"{equal}; but the arms differ in more than their norms: {beside}"
        return equal


def check_fairness(record: StudyRecord) -> Fairness:
    """Compare the digests of all arms within each seed and rate."""
    start: list[str] = []
    batches: list[str] = []
    compared, shared = 0, set[int]()
    rates = record.spec.recipe.rates
    sets = [
        (rate, seed, point)
        for seed in record.spec.seeds
        for point in record.spec.sweep.points
        for rate in rates
    ]
    by_set: dict[tuple[object, ...], list[RunRecord]] = {}
    for run in record.runs:
        by_set.setdefault(run.key[1:], []).append(run)
    for rate, seed, point in sets:
        twins = by_set.get((rate, seed, point), [])
        started = [run for run in twins if run.init_digest]
        if len(started) < 2:
            continue
        compared += 1
        where = f"seed {seed}" + (f" at rate {rate:g}" if len(rates) > 1 else "")
        where += f" at {point_text(point)}" if point else ""
        shared |= {len(run.tensor_digests) for run in started}
        start += [f"{where}: {text}" for text in _unequal_start(started)]
        batches += [f"{where}: {text}" for text in _unequal_batches(started)]
    return Fairness(
        compared=compared,
        planned=len(sets) if len(record.spec.arms) > 1 else 0,
        shared=tuple(sorted(shared)),
        unequal_start=tuple(start),
        unequal_batches=tuple(batches),
        differences=_sentences(record, "network_differences"),
        equal_seeds=equal_seeds(record.runs, record.spec.model.start),
        notes=_sentences(record, "network_notes"),
    )


def equal_seeds(runs: Sequence[RunRecord], start: str = "") -> str:
    """Whether seeds of one arm start from the same weights, and what follows.

    Their spread is then not that of the weights that they might have started from.

    Args:
        runs: Of any arms, rates and points; those whose start is not known are left
            out.
        start: What they were all asked to start from, in words.

    Returns:
        One sentence, of the arm where it is worst; empty if all starts differ.
    """
    if start:
        return f"all seeds start from {start}; only batch order and noise differ"
    starts: dict[tuple[object, ...], dict[int, str]] = {}
    for run in runs:
        if run.init_digest:
            setting = run.key.arm, run.key.rate, run.key.point
            starts.setdefault(setting, {})[run.key.seed] = run.init_digest
    worst = max(
        starts.values(), key=lambda by: len(by) - len({*by.values()}), default={}
    )
    seeds, different = len(worst), len(set(worst.values()))
    if different == seeds:
        return ""
    if different == 1:
        return (
            f"all {seeds} seeds start from the same weights, so intervals show the "
            f"batch order alone and are too narrow"
        )
    return (
        f"the {seeds} seeds start from {different} different sets of weights only, so "
        f"intervals are too narrow"
    )


def _sentences(record: StudyRecord, key: str) -> tuple[str, ...]:
    """What was noted when the study began; studies of before noted nothing."""
    return tuple(json.loads(record.meta.get(key, "[]")))


def unequal(twins: Sequence[RunRecord]) -> str | None:
    """What runs that should be twins do not have in common; None if nothing is known.

    Nothing can be claimed from such a pair: more than the norm differs.
    """
    started = [run for run in twins if run.init_digest]
    found = [*_unequal_start(started), *_unequal_batches(started)] if started else []
    return found[0] if found else None


def _range(numbers: tuple[int, ...]) -> str:
    """In words.

    Example:
        >>> _range((6,)), _range((6, 8, 10))
        ('6', '6 to 10')
    """
    return " to ".join(dict.fromkeys((str(numbers[0]), str(numbers[-1]))))


def _unequal_start(twins: Sequence[RunRecord]) -> list[str]:
    first, *others = (run.tensor_digests for run in twins)
    names = sorted({n for o in others for n in first.keys() & o if first[n] != o[n]})
    if not names and len({run.init_digest for run in twins}) == 1:
        return []
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return [f"shared weights at step 0 {' '.join(names[:_NAMED])}{more}".rstrip()]


def _unequal_batches(twins: Sequence[RunRecord]) -> list[str]:
    """Digests grow with the epochs: compare as far as each two runs have come."""
    by_epoch: dict[int, set[str]] = {}
    for run in twins:
        for row in run.epochs:
            by_epoch.setdefault(row.epoch, set()).add(row.batch_digest)
    differing = [epoch for epoch, digests in by_epoch.items() if len(digests) > 1]
    done = {run.batch_digest for run in twins if run.status == "done"}
    if differing:
        return [f"batches from epoch {min(differing)} on"]
    return ["batches"] if len(done) > 1 else []
