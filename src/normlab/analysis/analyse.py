"""From a study's record to everything that is said about it."""

from __future__ import annotations

from dataclasses import dataclass

from normlab.analysis.arms import ArmSummary, summarise
from normlab.analysis.claim import Claims, claim_from
from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.claims.definition import Definition
from normlab.analysis.evidence import collect
from normlab.analysis.fairness import Fairness, check_fairness
from normlab.analysis.holm import holm
from normlab.analysis.pairs import Runs, all_pairings
from normlab.analysis.verdict import judge
from normlab.records.rows import StudyRecord


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The arms, the judged claims, and what was proven equal."""

    arms: tuple[ArmSummary, ...]
    claims: Claims
    fairness: Fairness


def analyse(record: StudyRecord) -> Analysis:
    """Summarise the arms, judge every claim, compare the digests.

    Works on unfinished studies too: what is not there yet counts as a missing pair.
    """
    return Analysis(
        arms=summarise(record),
        claims=judge_all(record),
        fairness=check_fairness(record),
    )


def judge_all(record: StudyRecord) -> Claims:
    """All claims on all arms against the baseline: one family for the correction.

    All rates and points of a sweep, and own best rates, belong to the one family.
    """
    runs = Runs.of(record)
    definitions = [d for d in DEFINITIONS if _rests_on(d, record)]
    family = [
        collect(definition, pairing, runs, pairing.seeds(record.spec))
        for pairing in all_pairings(record)
        for definition in definitions
        if (definition.compares == "rates") == (pairing.compared == "all-rates")
    ]
    tested = {i: e.p for i, e in enumerate(family) if e.p is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    return Claims(
        claim_from(
            evidence,
            adjusted.get(i),
            judge(evidence, [p for j, p in tested.items() if j != i]),
        )
        for i, evidence in enumerate(family)
    )


def _rests_on(definition: Definition, record: StudyRecord) -> bool:
    """Whether the study has what the claim is made of."""
    needed = definition.probe
    observed = not needed or any(needed in run.observed for run in record.runs)
    return observed and (not definition.surfaces or bool(record.bowls))
