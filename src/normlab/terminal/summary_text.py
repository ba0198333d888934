"""What a study found, as text: tables, claims, fairness, curves, where it is."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from normlab.analysis.series.step_table import step_tables
from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.looking import looking_text
from normlab.analysis.text.words import count, failed_text, lost_text, notes_text, upper
from normlab.records.data_line import data_line
from normlab.records.folder import log_of
from normlab.terminal.answering import answer_blocks
from normlab.terminal.charts import accuracy_chart, loss_chart
from normlab.terminal.claims_text import claims_text
from normlab.terminal.run_table import reasons_text, runs_text, standing_text
from normlab.terminal.styled import Line, block, joined
from normlab.terminal.unfinished import unfinished_block
from normlab.terminal.verdicts import verdict_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from normlab.analysis.result import StudyResult
    from normlab.records.rows import StudyRecord
    from normlab.terminal.styled import Block


def summary_text(
    result: StudyResult, folder: Path, *, report: bool = True, verbose: bool = True
) -> str:
    """What `summary` says, as plain text."""
    return f"\n{joined(summary(result, folder, report=report, verbose=verbose))}"


def summary(
    result: StudyResult, folder: Path, *, report: bool = True, verbose: bool = False
) -> list[Block]:
    """Everything a reader wants after a study, also of one that is not finished.

    The answer and the verdicts come last: there the eye is once it is printed.

    Args:
        result: The study, as read from its records.
        folder: Where it is kept, as the user wrote it.
        report: Whether to say where the report is, if there is one.
        verbose: Whether runs, claims in full and charts are shown.
    """
    record = result.record
    blocks = [
        [Line(_title(record), "bold"), *unfinished_block(record, folder)],
        block(wrapped(f"data: {line}") if (line := data_line(record.meta)) else ""),
        block(str(result.table())),
        *(block(str(table)) for table in step_tables(record)),
        *(block(text) for text in (_details(result) if verbose else ())),
        *(block(text) for text in _to_be_known(result, verbose=verbose)),
        *answer_blocks(result),
        *verdict_blocks(result, folder),
        block(*_where(record, folder, report=report, verbose=verbose)),
    ]
    return [lines for lines in blocks if lines]


def brief_summary(result: StudyResult) -> list[Block]:
    """The answer, and before it what went wrong."""
    wrong = [block(text) for text in _went_wrong(result.record) if text]
    return wrong + (answer_blocks(result) or [block("no two arms are compared")])


def _details(result: StudyResult) -> Iterator[str]:
    """Runs, claims in full, charts."""
    record = result.record
    yield runs_text(record)
    yield str(loss_chart(record))
    if record.spec.recipe.epochs > 1:  # one epoch has no course
        yield str(accuracy_chart(record))
    yield claims_text(result)
    yield from (wrapped(f"{upper(text)}.") for text in result.analysis.remarks)


def _to_be_known(result: StudyResult, *, verbose: bool) -> Iterator[str]:
    """What went wrong, when it was looked at, what was equal."""
    record = result.record
    yield from _went_wrong(record)
    yield "\n".join(wrapped(f"{text}.") for text in looking_text(record))
    yield _fairness(result, verbose=verbose)
    yield from (wrapped(f"NOTE: {text}.") for text in notes_text(record.notes))


def _went_wrong(record: StudyRecord) -> Iterator[str]:
    """What is missing of the study, which runs and measurements failed, and why."""
    yield standing_text(record)
    yield reasons_text(record)
    yield from (wrapped(f"FAILED: {text}") for text in failed_text(record.failed))
    yield wrapped(f"LOST: {lost_text(record.lost)}.") if record.lost else ""


def _fairness(result: StudyResult, *, verbose: bool) -> str:
    """What was equal, and what else must be known of the networks."""
    fairness = result.analysis.fairness
    if not verbose:
        return wrapped(f"Fairness: {fairness}.")
    remarks = [wrapped(f"  {upper(text)}.") for text in fairness.remarks]
    return "\n".join([wrapped(f"Fairness: {fairness}."), *remarks])


def _title(record: StudyRecord) -> str:
    spec = record.spec
    return wrapped(
        f"{spec.experiment}: {spec.model.name} on {spec.data.source}, "
        f"{count(spec.recipe.epochs, 'epoch')}, {count(len(spec.seeds), 'seed')}"
    )


def _where(
    record: StudyRecord, folder: Path, *, report: bool, verbose: bool
) -> list[str]:
    name = quote(str(folder))
    written = folder / "report.html"
    lines = [f"kept in {folder}"]
    if log_of(folder):  # while it is conducted, or read by another program at its end
        lines.append("copy it as a whole: the end of study.db is still in study.db-wal")
    if not verbose:
        lines.append(f"all runs, reasons and charts: normlab show {name} --verbose")
    if report and written.exists():
        lines.append(f"look at it: {written}")
    return lines
