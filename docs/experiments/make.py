"""Fill an experiment's page from a finished study folder: table and picture.

    normlab run NAME --out DIR
    python docs/experiments/make.py NAME DIR

The page NAME.md holds two marks; what stands between them is replaced: one row for
each statement of `normlab.experiments` and each place where the study compares its
arms and the statement speaks, with the measured effect, its interval and whether that
agrees. The verdicts are those that the study itself gives.
Above the table stand the command, the minutes it took and the experiment's main
picture, which Chrome or Chromium draws into pictures/.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from normlab.analysis.analyse import judge_all
from normlab.analysis.series.step_table import step_tables
from normlab.analysis.statements import Said, said_and_found
from normlab.analysis.text.table import Table
from normlab.errors import NormlabError, NotMeasured
from normlab.experiments.experiment import Experiment, Statement
from normlab.experiments.registry import experiment
from normlab.facade.result import Result
from normlab.figures.kit.export import export_figures
from normlab.records.rows import StudyRecord
from normlab.spec.labels import beside

HERE = Path(__file__).parent
LARGEST = 200_000  # bytes of a picture
COLOURS = 128
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def verdict(row: Said) -> str:
    """Whether it agrees, and the verdict that says so."""
    found = f" ({row.claim.verdict})" if row.claim else ""
    if row.agrees in ("agrees", "disagrees"):
        return f"**{row.agrees}**{found}"
    return f"{row.agrees}{found}" if row.agrees == "open" else row.agrees


def rows(record: StudyRecord, statements: Sequence[Statement]) -> list[Said]:
    """All statements, with what the study says of each where it speaks."""
    return said_and_found(statements, judge_all(record))


def page(text: str, results: str) -> str:
    """The page with `results` between its marks.

    Raises:
        ValueError: If the marks are missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}.")
    return f"{before}{begin}\n{results}\n{end}{after}"


def results(record: StudyRecord, chosen: Experiment, picture: str = "") -> str:
    """Command, picture, tables and what they were computed with, as Markdown."""
    judged = rows(record, chosen.statements)
    tables = step_tables(record) if chosen.step_table else ()
    lines = [
        *_command(record),
        _origin(record),
        "",
        *([picture, ""] if picture else []),
        *(line for table in tables for line in _in_markdown(table)),
        "| stated | where | measured, 95 % interval | verdict |",
        "|---|---|---|---|",
        *(_line(row, record.spec.labels) for row in judged),
        "",
        "The claims are explained [here](../claims.md). The verdicts are the study's, "
        f"corrected for all {_judged(record)} claims that it judges.",
    ]
    return "\n".join(lines)


def _judged(record: StudyRecord) -> int:
    return sum(claim.verdict != "description" for claim in judge_all(record))


def _in_markdown(table: Table) -> Iterator[str]:
    """The rows, and what they are below them."""
    for cells in (table.head, ("---",) * len(table.head), *table.rows):
        yield f"| {' | '.join(cells)} |"
    yield from ("", f"{table.caption[:1].upper()}{table.caption[1:]}.", "")


def drawn(result: Result, chosen: Experiment, folder: Path) -> str:
    """Draw the main picture into `folder`, as SVG or, where that is large, as PNG.

    Returns:
        Markdown that shows it; empty if the study did not measure it.
    """
    try:
        picture = result.plot(chosen.picture)
    except NotMeasured as missing:
        print(f"no picture: {missing}", file=sys.stderr)
        return ""
    path = folder / f"{chosen.name}.svg"
    with TemporaryDirectory() as temporary:
        (made,) = export_figures([picture], "svg", Path(temporary))
        if made.stat().st_size > LARGEST:
            path = path.with_suffix(".png")
            (made,) = export_figures([picture], "png", Path(temporary))
            _shrink(made)
        folder.mkdir(exist_ok=True)
        for old in (".svg", ".png"):
            path.with_suffix(old).unlink(missing_ok=True)
        shutil.move(made, path)
    alt = " ".join(picture.alt.split()).replace("[", "(").replace("]", ")")
    return f"![{alt}]({folder.name}/{path.name})"


def _shrink(path: Path) -> None:
    """Fewer colours, then fewer pixels, until a PNG is small enough."""
    image = Image.open(path).convert("RGB")
    while True:
        image.quantize(COLOURS).save(path, optimize=True)
        if path.stat().st_size <= LARGEST:
            return
        image = image.resize((image.width * 4 // 5, image.height * 4 // 5))


def _command(record: StudyRecord) -> list[str]:
    """What was typed, without the place where it was kept."""
    words = shlex.split(record.meta.get("command", ""))
    kept: list[str] = []
    while words:
        word = words.pop(0)
        if word in ("-o", "--out"):
            words = words[1:]
        elif word not in ("-q", "--quiet") and not word.startswith("--out="):
            kept.append(word)
    return [f"    {shlex.join(kept)}", ""] if kept else []


def _line(row: Said, labels: Mapping[str, str]) -> str:
    """One row; arms that the study does not have keep their names."""
    statement, claim = row
    arm, base = (labels.get(name, name) for name in (statement.arm, statement.against))
    arms = f"{arm}, against {beside(base, arm)}"
    where = f"{arms}, {claim.where}" if claim else arms
    measured = claim.numbers if claim else "-"
    says = f"{statement.says} ({statement.source}): `{statement.claim}`"
    cells = (says, where, measured, verdict(row))
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _origin(record: StudyRecord) -> str:
    spec, meta = record.spec, record.meta
    minutes = _minutes(meta.get("created"), meta.get("finished"))
    took = f" in {minutes:.1f} minutes" if minutes else ""
    versions = ", ".join(
        f"{name} {meta[name]}" for name in ("normlab", "torch") if name in meta
    )
    ended = sum(run.status in ("done", "diverged") for run in record.runs)
    return (
        f"{ended} of {len(record.runs)} runs, {len(spec.seeds)} seeds, "
        f"{spec.recipe.epochs} epochs each{took} on {meta.get('cores', '?')} cores "
        f"({versions})."
    )


def _minutes(began: str | None, finished: str | None) -> float | None:
    if not began or not finished:
        return None
    gone = datetime.fromisoformat(finished) - datetime.fromisoformat(began)
    return gone.total_seconds() / 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite one page; 2 if the experiment or the folder is refused."""
    parser = argparse.ArgumentParser(description="Fill a page.")
    parser.add_argument("name", help="an experiment, e.g. depth")
    parser.add_argument("folder", type=Path, help="its finished study folder")
    parser.add_argument("--pages", type=Path, default=HERE, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        chosen = experiment(given.name)
        result = Result.open(given.folder)
    except NormlabError as refused:
        print(f"make.py: error: {refused}", file=sys.stderr)
        return 2
    record = result.record
    if record.spec.experiment != given.name:
        print(
            f"make.py: error: {given.folder} is a study of "
            f"'{record.spec.experiment}', not of '{given.name}'.",
            file=sys.stderr,
        )
        return 2
    path = given.pages / f"{given.name}.md"
    try:
        picture = drawn(result, chosen, given.pages / "pictures")
    except NormlabError as refused:
        print(f"make.py: error: {refused}", file=sys.stderr)
        return 2
    text = results(record, chosen, picture)
    filled = page(path.read_text(encoding="utf-8"), text)
    path.write_text(filled, encoding="utf-8")
    print(f"written: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
