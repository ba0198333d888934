"""How often a study was looked at, and what has come since."""

from __future__ import annotations

from normlab.analysis.design.looks import stages
from normlab.analysis.text.words import count, seeds_text
from normlab.records.rows import StudyRecord


def looking_text(record: StudyRecord) -> tuple[str, ...]:
    """What must be known where verdicts are not from all seeds at once, in sentences.

    Example:
        >>> from normlab.records.looks import Look
        >>> from normlab.spec.study import StudySpec
        >>> study = StudyRecord(spec=StudySpec(seeds=(0, 1, 2), seeds_at_most=9))
        >>> looking_text(study)
        ()
        >>> looking_text(study.with_looks((Look(seeds=(0, 1, 2)),)))
        ('Verdicts are from the look at 3 of at most 9 seeds',)
    """
    looks = record.looks
    if not looks:
        return ()
    told: list[str] = []
    *before, last = stages(record)
    budget = last[-1].budget
    if before:
        told.append(
            f"Verdicts are from {seeds_text(last[-1].seeds)} by themselves, which "
            f"joined after {seeds_text(before[-1][-1].seeds)} had been judged; each at "
            "5 %"
        )
    elif budget.declared:
        earlier = ", ".join(str(sight.budget.seeds) for sight in last[:-1])
        after = f", after looks at {earlier}" if earlier else ""
        most = count(budget.at_most, "seed")
        told.append(
            f"Verdicts are from the look at {budget.seeds} of at most {most}{after}"
        )
    seen = {seed for look in looks for seed in look.seeds}
    if new := [seed for seed in record.spec.seeds if seed not in seen]:
        verb = "has" if len(new) == 1 else "have"
        told.append(
            f"{seeds_text(new).capitalize()} {verb} joined since and are not judged yet"
        )
    return tuple(told)
