"""Which comparisons are judged as one family, and which are only described."""

from __future__ import annotations

from normlab.analysis.claims.definition import Definition
from normlab.analysis.design.pairs import Pairing
from normlab.experiments.experiment import Statement
from normlab.experiments.registry import NAMES, experiment
from normlab.spec.study import StudySpec


def is_judged(definition: Definition, pairing: Pairing, spec: StudySpec) -> bool:
    """Whether a claim gets a verdict here, and joins the family that is corrected for.

    Those at the only rate do, those at each arm's own best and those over all rates. At
    every rate by itself only what a named experiment states of equal rates is judged,
    where it speaks; the rest would drown the fair comparisons.
    """
    if len(spec.recipe.rates) == 1 or pairing.compared != "same-rate":
        return True
    named = spec.experiment in NAMES
    stated = experiment(spec.experiment).statements if named else ()
    return any(
        statement.claim == definition.id
        and (statement.arm, statement.against) == (pairing.arm, pairing.baseline)
        and statement.rates == "same"
        and speaks_of(statement, pairing)
        for statement in stated
    )


def speaks_of(statement: Statement, pairing: Pairing) -> bool:
    """Whether a statement is about this point of a sweep."""
    if statement.between is None:
        return True
    low, high = statement.between
    return any(
        isinstance(value, int | float) and low <= value <= high
        for _, value in pairing.point
    )
