"""The answer of a study in a few lines, one for each question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.analysis.text.answer import answers
from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.words import count, upper
from normlab.terminal.styled import Line, block

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.analysis.text.answer import Answer
    from normlab.terminal.styled import Block

MOST = 20  # arms that are answered for
STYLES = {
    "supported": "green",
    "contradicted": "red",
    "mixed": "yellow",
    "no-difference": "cyan",
}
"""Of verdicts that decide; what is open has none."""


def answer_blocks(result: StudyResult) -> list[Block]:
    """A block for each arm that is compared: which arms, then the answers.

    Of very many the first; the report has all.
    """
    found = answers(result.record.spec, result.claims())
    more = f"and {count(len(found) - MOST, 'other arm')}, as the report says"
    return [
        [
            Line(wrapped(f"{upper(of.title)}:"), "bold"),
            *(Line(wrapped(f"  {answer}"), _style(answer)) for answer in of.lines),
        ]
        for of in found[:MOST]
    ] + ([block(more)] if len(found) > MOST else [])


def _style(answer: Answer) -> str:
    """That of the verdict, where the answer rests on a single one."""
    verdicts = {claim.verdict for claim in answer.claims}
    return STYLES.get(verdicts.pop(), "") if len(verdicts) == 1 else ""
