"""Which seeds are judged together, and what each look at them may spend.

The seeds that were declared before the first verdict are one design: every look at more
of them spends a part of the 5 %. Seeds beyond are judged by themselves, each such group
at 5 % of its own, for they were asked for by who had seen a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from normlab.analysis.inference.spending import Budget
from normlab.records.looks import Look
from normlab.records.rows import StudyRecord
from normlab.spec.study import StudySpec

Seeds = tuple[int, ...]


class Sight(NamedTuple):
    """The seeds of one look, and what it may spend."""

    seeds: Seeds
    budget: Budget


def due(spec: StudySpec, looks: Sequence[Look]) -> tuple[Seeds, ...]:
    """The seeds to look at once all runs have ended; none where all were looked at.

    Example:
        >>> due(StudySpec(seeds=range(3)), ())
        ((0, 1, 2),)
        >>> due(StudySpec(seeds=range(3)), [Look(seeds=(0, 1, 2))])
        ()
    """
    seen = {seed for look in looks for seed in look.seeds}
    declared = spec.seeds[: spec.declared]
    fresh = tuple(seed for seed in spec.seeds[spec.declared :] if seed not in seen)
    joined = () if seen.issuperset(declared) else declared
    return tuple(seeds for seeds in (joined, fresh) if seeds)


def first_seeds(record: StudyRecord) -> Seeds:
    """Those of the first look, by which rates are chosen; until then all declared."""
    if record.looks:
        return record.looks[0].seeds
    return record.spec.seeds[: record.spec.declared]


def stages(record: StudyRecord) -> tuple[tuple[Sight, ...], ...]:
    """The looks so far, group by group of seeds that are judged together.

    Before the first one, the one that is due, as far as its runs have ended.
    """
    spec = record.spec
    seen = [look.seeds for look in record.looks] or due(spec, ())
    declared = set(spec.seeds[: spec.declared])
    joined: list[Sight] = []
    budget = Budget(at_most=spec.declared)
    for seeds in filter(declared.issuperset, seen):
        budget = budget._replace(seeds=len(seeds))
        joined.append(Sight(seeds, budget))
        budget = budget.later()
    found, judged = [tuple(joined)] * bool(joined), budget.seeds
    for seeds in seen:
        if not declared.issuperset(seeds):
            n = len(seeds)
            found.append((Sight(seeds, Budget(seeds=n, at_most=n, before=judged)),))
            judged += n
    return tuple(found)
