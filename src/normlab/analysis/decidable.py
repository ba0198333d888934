"""Which statements of an experiment its seeds can decide, said before training."""

from __future__ import annotations

from itertools import count as naturals

import numpy as np

from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition
from normlab.analysis.design.family import stated, stated_at
from normlab.analysis.design.pairs import Pairing
from normlab.analysis.design.rates import claim_seeds
from normlab.analysis.inference.component import MIN_SEEDS, Component
from normlab.analysis.inference.holm import Others
from normlab.analysis.inference.reach import can_decide, seeds_needed
from normlab.analysis.inference.spending import Budget
from normlab.analysis.text.words import ARMS, count, named
from normlab.experiments.experiment import Statement
from normlab.records.observed.registry import MEASURES
from normlab.records.rows import StudyRecord
from normlab.spec.point import point_text
from normlab.spec.study import StudySpec

_ENOUGH = "stated, with seeds enough for a verdict"
_TOO_FEW = "stated, with too few seeds for a verdict ({pairs}; it takes {seeds})"
_NOT_MEASURED = "stated, but not measured by this study"
_NOWHERE = "stated of arms or settings that this study does not have"
_CLAIMS = 16  # in one line


def decidable(spec: StudySpec) -> list[str]:
    """Which of its experiment's statements a study can give a verdict on, and where.

    Seeds are enough if effects that all agree would be significant at the first look,
    were the claim the only one: with others beside it no fewer seeds will do.

    Args:
        spec: What is going to be trained.

    Returns:
        A line for each outcome; none where the study is no experiment by name.

    Example:
        >>> decidable(StudySpec(seeds=(0, 1), measure="none"))[0][:64]
        'stated, but not measured by this study: smoother-surface, rounde'
    """
    statements = stated(spec)
    several = len({(each.arm, each.against) for each in statements}) > 1
    record, by_id = StudyRecord(spec=spec), {d.id: d for d in DEFINITIONS}
    found: dict[str, dict[str, list[str]]] = {}
    for statement in statements:
        name = _named(statement) if several else statement.claim
        claim = by_id[statement.claim]
        pairings = [
            pairing
            for pairing in stated_at(statement, record)
            if (claim.compares == "rates") == (pairing.compared == "all-rates")
        ]
        for pairing in pairings:
            outcome = _outcome(claim, pairing, record)
            found.setdefault(outcome, {}).setdefault(name, []).append(
                _place(pairing, spec)
            )
        if not pairings:
            found.setdefault(_NOWHERE, {}).setdefault(name, [])
    return [
        f"{outcome}: {named([_at(*each) for each in claims.items()], _CLAIMS)}"
        for outcome, claims in found.items()
    ]


def _outcome(claim: Definition, pairing: Pairing, record: StudyRecord) -> str:
    spec = record.spec
    if not _is_measured(claim, spec):
        return _NOT_MEASURED
    own_best = pairing.compared == "own-best"
    pairs = len(pairing.seeds(record))
    alike = Component(effects=np.ones(pairs), test=claim.test)
    alone = Others((), Budget(seeds=len(spec.seeds), at_most=spec.declared))
    if pairs >= MIN_SEEDS and can_decide(alike, alone):
        return _ENOUGH
    least = next(
        n
        for n in naturals(MIN_SEEDS)
        if not own_best or len(claim_seeds(range(n))) >= MIN_SEEDS
    )
    needed = max(least, seeds_needed(alike, alone, choosing=own_best))
    return _TOO_FEW.format(pairs=count(pairs, "pair"), seeds=count(needed, "seed"))


def _is_measured(claim: Definition, spec: StudySpec) -> bool:
    """Whether the study observes what the claim rests on."""
    if claim.surfaces:
        return spec.measure == "full"
    return not claim.probe or claim.probe in MEASURES[spec.measure]


def _named(statement: Statement) -> str:
    return f"{statement.claim} of {statement.arm} against {statement.against}"


def _place(pairing: Pairing, spec: StudySpec) -> str:
    """Rate and point, where there are several that arms are compared at."""
    at_rates = len(spec.recipe.rates) > 1 and pairing.compared == "same-rate"
    rate = f"lr {pairing.rate:g}" if at_rates else ""
    return ", ".join(filter(None, (rate, point_text(pairing.point))))


def _at(name: str, places: list[str]) -> str:
    known = [place for place in places if place]
    return f"{name} ({named(known, ARMS, '; ')})" if known else name
