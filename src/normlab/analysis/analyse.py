"""From a study's record to everything that is said about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from normlab.analysis.arms import ArmSummary, summarise
from normlab.analysis.claim import Claim, Claims, claim_from
from normlab.analysis.claims import DEFINITIONS, trains_at_all
from normlab.analysis.claims.definition import Definition
from normlab.analysis.claims.own import all_claims
from normlab.analysis.design.fairness import Fairness, check_fairness
from normlab.analysis.design.family import is_judged, stated_of_others
from normlab.analysis.design.looks import Sight, stages
from normlab.analysis.design.outcomes import Outcome, training_lines
from normlab.analysis.design.pairs import Runs, all_pairings, choice_lines
from normlab.analysis.inference.evidence import Evidence, collect
from normlab.analysis.inference.holm import Others
from normlab.analysis.inference.interaction import interactions
from normlab.analysis.inference.spending import ONLY, Budget
from normlab.analysis.inference.verdict import DESCRIBED, IN_A_SWEEP, Ruling, judge
from normlab.analysis.standing import as_decided, beside_others
from normlab.records.data_line import copies_text
from normlab.records.rows import StudyRecord
from normlab.spec.study import StudySpec


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The arms, the judged claims, and what was proven equal."""

    arms: tuple[ArmSummary, ...]
    claims: Claims
    fairness: Fairness
    remarks: tuple[str, ...] = ()
    """Said once, in half a sentence each: where all runs trained; own best rates."""


def analyse(record: StudyRecord, own: Sequence[Definition] = ()) -> Analysis:
    """Summarise the arms, judge every claim, compare the digests.

    Works on unfinished studies too: before the first look, what is not there yet is a
    pair to come, and verdicts wait for it.

    Args:
        record: Of the study.
        own: Claims of the user's, as `own_claims` checked them.
    """
    return Analysis(
        arms=summarise(record),
        claims=judge_all(record, own),
        fairness=check_fairness(record),
        remarks=(*training_lines(record), *choice_lines(record)),
    )


def judge_all(record: StudyRecord, own: Sequence[Definition] = ()) -> Claims:
    """All claims on all arms against the baseline, those of the user's among them.

    What `is_judged` names is one family for the correction; the rest is described.
    Each look is repeated on its seeds. A claim stands as the look that decided it found
    it, else as the last one; seeds that are judged by themselves have the last word,
    with what was found before beside it.
    """
    runs, family = Runs.of(record), measured(record, all_claims(own))
    return Claims(
        beside_others(
            [
                as_decided([claims_at(sight, family, record, runs) for sight in stage])
                for stage in stages(record)
            ]
        )
    )


def claims_at(
    sight: Sight, family: Sequence[Evidence], record: StudyRecord, runs: Runs
) -> list[Claim]:
    """The claims as one look has them, from its seeds alone.

    Args:
        sight: The look.
        family: The evidence of all seeds.
        record: Of the study.
        runs: Its runs.
    """
    alone = [e.among(sight.seeds) for e in family]
    seen = open_to_claims(alone, runs) + interactions(alone, record.spec)
    norms = {arm.name: arm.own or arm.norm for arm in record.spec.arms}
    copies = copies_text(record.meta)
    return [
        claim_from(
            evidence,
            ruling,
            look=sight.seeds,
            copies=copies,
            norms=norms,
            start=record.spec.model.start,
        )
        for evidence, ruling in zip(
            seen, rule(seen, record.spec, sight.budget), strict=True
        )
    ]


def gather(
    record: StudyRecord, definitions: Sequence[Definition] = DEFINITIONS
) -> list[Evidence]:
    """The evidence on every claim that can be made of the study: one family."""
    return open_to_claims(measured(record, definitions), Runs.of(record))


def measured(record: StudyRecord, definitions: Sequence[Definition]) -> list[Evidence]:
    """The evidence of all seeds on every claim that the study has the arrays for."""
    runs = Runs.of(record)
    observed = {probe for run in record.runs for probe in run.observed.probes}
    made = [d for d in definitions if not d.probe or d.probe in observed]
    asked = [(d, pairing) for pairing in all_pairings(record) for d in made]
    asked += [
        (definition, pairing)
        for claim, pairing in stated_of_others(record)
        for definition in made
        if definition.id == claim
    ]
    return [
        collect(definition, pairing, runs, pairing.seeds(record))
        for definition, pairing in asked
        if (definition.compares == "rates") == (pairing.compared == "all-rates")
        and (not definition.surfaces or runs.have_surfaces(pairing))
    ]


def open_to_claims(family: Sequence[Evidence], runs: Runs) -> list[Evidence]:
    """The evidence that something may be claimed of, by the runs of its seeds.

    Where no run of either arm trained there is nothing to claim, and where all did
    nothing about whether they do: `training_lines` says so.
    """
    outcomes = {
        (e.pairing, *e.seeds): Outcome.of(e.pairing, runs, e.seeds) for e in family
    }
    return [
        e
        for e in family
        if not (outcome := outcomes[e.pairing, *e.seeds]).none_trained
        and not (e.definition.id == trains_at_all.CLAIM.id and outcome.all_trained)
    ]


def rule(
    family: Sequence[Evidence],
    spec: StudySpec | None = None,
    budget: Budget = ONLY,
) -> list[Ruling]:
    """Judge each beside the p-values of all the others that are judged.

    Args:
        family: What there is evidence on.
        spec: Of the study; without one all are judged.
        budget: Of the look.
    """
    judged = [
        spec is None or is_judged(evidence.definition, evidence.pairing, spec)
        for evidence in family
    ]
    of_judged = [e.p for e, is_one in zip(family, judged, strict=True) if is_one]
    all_p = Others([p for p in of_judged if p is not None], budget)
    described = IN_A_SWEEP if spec and spec.sweep.axes else DESCRIBED
    return [
        judge(e, all_p if e.p is None else all_p.without(e.p)) if is_one else described
        for e, is_one in zip(family, judged, strict=True)
    ]
