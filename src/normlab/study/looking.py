"""Looks at a study: verdicts are given once all runs that were asked for have ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from normlab.analysis.analyse import judge_all
from normlab.analysis.design.looks import due
from normlab.records.looks import LOOKS, Look, looks_text
from normlab.records.rows import ENDED
from normlab.spec.plan import plan

if TYPE_CHECKING:
    from normlab.analysis.claim import Claim
    from normlab.records.folder import StudyFolder
    from normlab.records.rows import StudyRecord
    from normlab.records.writer import Writer


def look(folder: StudyFolder, writer: Writer) -> None:
    """Take every look that is due and keep it; none twice, none before the end.

    Each is kept by itself, and a later one allows for it, so a study that is killed
    between two goes on as if it had not been.
    """
    known = folder.tables()
    if not _all_ended(known) or not due(known.spec, known.looks):
        return
    record = folder.read()
    for seeds in due(record.spec, record.looks):
        at = datetime.now(UTC).isoformat(timespec="seconds")
        looks = (*record.looks, Look(seeds=seeds, at=at))
        record = record.with_looks(looks)
        claims = tuple(map(_kept, judge_all(record)))
        looks = (*looks[:-1], Look(seeds=seeds, at=at, claims=claims))
        writer.meta(LOOKS, looks_text(looks))
        record = record.with_looks(looks)


def _all_ended(record: StudyRecord) -> bool:
    ended = {run.key for run in record.runs if run.status in ENDED}
    return ended.issuperset(plan(record.spec)) and len(ended) == len(record.runs)


def _kept(claim: Claim) -> dict[str, str | float | None]:
    return {
        "id": claim.id,
        "arm": claim.arm,
        "where": claim.where,
        "p": claim.p,
        "p_holm": claim.p_holm,
        "verdict": claim.verdict,
    }
