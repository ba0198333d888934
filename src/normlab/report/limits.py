"""What a study cannot say, as its report admits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.analysis.text.looking import looking_text
from normlab.analysis.text.words import count, failed_text, lost_text, named, notes_text
from normlab.records.data_line import copies_text

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult


def limits(result: StudyResult) -> list[str]:
    """One sentence for each thing a reader should not conclude."""
    spec = result.record.spec
    seeds = count(len(spec.seeds), "seed")
    same = result.analysis.fairness.equal_seeds
    covered = f"{seeds}: {'' if same else 'initial weights and '}order of images"
    lines = [
        f"Intervals cover the choice of seed ({covered}). They do not cover other "
        f"{'initial weights, other ' if same else ''}data, other networks or other "
        "recipes.",
        _rates(result),
        *(f"{text}." for text in looking_text(result.record)),
        f"Every arm was trained for {count(spec.recipe.epochs, 'epoch')}; a longer or "
        "shorter training may end differently.",
        "Run times were measured with other runs on the machine; for speed use the "
        "cost measurement.",
        "Test figures use each network as at inference: batch norms with their running "
        "averages.",
    ]
    if copies := copies_text(result.record.meta):
        lines.append(f"Not everything was tested on what is new: {copies}.")
    lines += _unfinished(result)
    lines += [f"Noted: {text}." for text in notes_text(result.record.notes)]
    lines += [f"Failed: {text}." for text in failed_text(result.record.failed)]
    if result.record.lost:
        lines.append(f"{lost_text(result.record.lost)}.")
    caveats = {
        f"“{claim.statement}”: {claim.caveat}."
        for claim in result.claims()
        if claim.caveat
    }
    return [*lines, *sorted(caveats)]


def _rates(result: StudyResult) -> str:
    rates = result.record.spec.recipe.rates
    if len(rates) == 1:
        return (
            f"All arms were compared at the same learning rate, {rates[0]:g}; each at "
            "its own best rate may compare differently."
        )
    words = "Arms were compared at equal learning rates, each rate by itself"
    if any(claim.compared == "own-best" for claim in result.claims()):
        return (
            f"{words}, and each at its own best rate, chosen by other seeds on images "
            "held out of the training part, never on the test set."
        )
    return f"{words}; not each at its own best, as no images were held out."


def _unfinished(result: StudyResult) -> list[str]:
    found: dict[str, list[str]] = {}
    for run in result.record.runs:
        if run.status != "done":
            found.setdefault(run.status, []).append(run.key.id)
    return [
        f"{count(len(runs), 'run')} {status}: {named(runs, 12)}."
        for status, runs in found.items()
    ]
