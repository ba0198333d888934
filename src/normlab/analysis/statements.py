"""What a publication says, beside what a study of its experiment found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from normlab.analysis.claim import Claim, Claims
from normlab.experiments.experiment import Statement
from normlab.experiments.registry import NAMES, experiment
from normlab.spec.study import StudySpec

DECIDED = ("supported", "contradicted", "mixed", "no-difference")


class Said(NamedTuple):
    """A statement at one place of the study; no claim if the study cannot say."""

    statement: Statement
    claim: Claim | None

    @property
    def agrees(self) -> str:
        """Whether what was measured agrees: `agrees`, `disagrees`, `open`, or why."""
        if self.claim is None:
            return "not measured in this study"
        verdict = self.claim.verdict
        if verdict in self.statement.expects:
            return "agrees"
        if verdict == "not-measurable":
            return "not measurable"
        return "disagrees" if verdict in DECIDED else "open"


def said_and_found(statements: Sequence[Statement], claims: Claims) -> list[Said]:
    """All statements, with what the study says of each where it speaks."""
    return [
        Said(statement, claim)
        for statement in statements
        for claim in _about(statement, claims) or [None]
    ]


def statements_of(spec: StudySpec) -> tuple[Statement, ...]:
    """Those of the study's experiment; none if it has no name of the literature.

    Example:
        >>> len(statements_of(StudySpec(experiment="depth"))) > 0
        True
        >>> statements_of(StudySpec(experiment="mine"))
        ()
    """
    known = spec.experiment in NAMES
    return experiment(spec.experiment).statements if known else ()


def _about(statement: Statement, claims: Claims) -> list[Claim]:
    said = [
        claim
        for claim in claims
        if claim.id == statement.claim
        and (claim.arm, claim.baseline) == (statement.arm, statement.against)
        and statement.speaks_at(claim.compared, claim.rate, claim.point)
    ]
    same = [claim for claim in said if claim.compared == "same-rate"]
    best = [claim for claim in said if claim not in same]
    return best if best and statement.rates == "own" else same
