"""Which comparisons are judged as one family, and which are only described."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from normlab.analysis.claims.definition import Definition
from normlab.analysis.design.pairs import Pairing, all_pairings
from normlab.experiments.experiment import Statement
from normlab.experiments.registry import NAMES, experiment
from normlab.records.rows import StudyRecord
from normlab.spec.study import StudySpec


def is_judged(definition: Definition, pairing: Pairing, spec: StudySpec) -> bool:
    """Whether a claim gets a verdict here, and joins the family that is corrected for.

    Those at the only rate do, those at each arm's own best and those over all rates. At
    every rate by itself only what a named experiment states of equal rates is judged,
    where it speaks; the rest would drown the fair comparisons. In a sweep, likewise,
    how the advantage changes along it, and what the experiment states of its points.
    """
    one = len(spec.recipe.rates) == 1
    if pairing.compared == "over-sweep":
        return True
    if not spec.sweep.axes and (one or pairing.compared != "same-rate"):
        return True
    return any(
        statement.claim == definition.id
        and (statement.arm, statement.against) == (pairing.arm, pairing.baseline)
        and (one or (statement.rates == "same") == (pairing.compared == "same-rate"))
        and statement.speaks_at(pairing.compared, pairing.rate, pairing.point)
        for statement in stated(spec)
    )


def stated(spec: StudySpec) -> tuple[Statement, ...]:
    """What the study's experiment of the literature states, if it is one.

    Nothing where another key is swept: it speaks of no such points.
    """
    if spec.experiment not in NAMES:
        return ()
    named = experiment(spec.experiment)
    forms = [_swept(named.spec(full=full)) for full in (False, True)]
    return named.statements if _swept(spec) in forms else ()


def _swept(spec: StudySpec) -> set[str]:
    return {axis.key for axis in spec.sweep.axes}


def stated_at(statement: Statement, record: StudyRecord) -> Iterator[Pairing]:
    """Where the study compares the arms of a statement, of the places it speaks of.

    Nowhere if it lacks one of them.
    """
    spec = record.spec
    by_name = {arm.name: arm for arm in spec.arms}
    pair = statement.against, statement.arm
    if not set(pair) <= by_name.keys():
        return
    alone = spec.model_copy(update={"arms": tuple(by_name[name] for name in pair)})
    one = statement.rates == "same" or len(spec.recipe.rates) == 1
    places = ("same-rate" if one else "own-best", "all-rates")
    for pairing in all_pairings(replace(record, spec=alone)):
        compared, rate, point = pairing.compared, pairing.rate, pairing.point
        if compared in places and statement.speaks_at(compared, rate, point):
            yield pairing


def stated_of_others(record: StudyRecord) -> Iterator[tuple[str, Pairing]]:
    """Where the experiment compares two arms of which none is the baseline: the claims.

    Such a claim is made only where its statement speaks.
    """
    for statement in stated(record.spec):
        if statement.against != record.spec.baseline.name:
            for pairing in stated_at(statement, record):
                yield statement.claim, pairing
