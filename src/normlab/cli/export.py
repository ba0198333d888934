"""`normlab export`: a study's tables or figures for other tools and for papers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normlab.cli import options
from normlab.cli.newest import named_or_newest
from normlab.errors import BadSetting
from normlab.terminal.printing import STANDARD, put_out, say

if TYPE_CHECKING:
    from normlab.figures.kit.paper import Paper


def export(
    folder: options.AnyFolder = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="csv|json|parquet|latex",
            help="Of a table [default: by the file's name]; parquet needs "
            "normlab\\[parquet].",
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            metavar="claims|runs|epochs|steps",
            help="Which table [default: epochs; with json the whole study].",
        ),
    ] = None,
    figure: Annotated[
        str | None,
        typer.Option(
            "--figure",
            metavar="NAME",
            help="One figure, as svg, png or pdf by the file's name.",
        ),
    ] = None,
    figures: Annotated[
        str | None,
        typer.Option(
            "--figures",
            metavar="svg|png|pdf",
            help="All figures; needs normlab\\[static] and Chrome or Chromium.",
        ),
    ] = None,
    width: Annotated[
        str | None,
        typer.Option("--width", metavar="3.25in", help="Of figures: in, cm, mm or px."),
    ] = None,
    font: Annotated[
        float | None,
        typer.Option("--font", metavar="POINTS", help="Of the letters in figures."),
    ] = None,
    no_title: Annotated[
        bool, typer.Option("--no-title", help="Figures without a title.")
    ] = False,
    path: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="A file, - for standard output, or with --figures a folder "
            "[default: DIR/figures].",
        ),
    ] = None,
    force: options.Force = False,
) -> int:
    """Write a table of a study, or its figures, for other tools and papers."""
    asked = [figure is not None, figures is not None, bool(form or table)]
    if sum(asked) > 1:
        raise BadSetting(
            "export writes one thing at a time: a table (--table, --format), one "
            "--figure NAME, or all --figures."
        )
    if figure is None and figures is None:
        if width or font or no_title:
            raise BadSetting(
                "--width, --font and --no-title are about figures. Add --figure NAME."
            )
        return _table(named_or_newest(folder), table, form, path, force=force)
    from normlab.figures.kit.paper import Paper

    paper = Paper.of(width, font, title=not no_title)
    if figures is not None:
        if path == STANDARD:
            raise BadSetting("export --figures writes several files. Give a folder.")
        folder = named_or_newest(folder)
        return _figures(folder, figures, path or folder / "figures", paper, force=force)
    if path is None or path == STANDARD:
        raise BadSetting(f"--figure needs a file to write: -o {figure}.pdf")
    return _figure(named_or_newest(folder), str(figure), path, paper, force=force)


def _table(
    folder: Path, table: str | None, form: str | None, path: Path | None, *, force: bool
) -> int:
    from normlab.analysis.result import StudyResult
    from normlab.analysis.text.tables import columns
    from normlab.records.export import export as write
    from normlab.records.export import exported, form_of

    if path is None:
        raise BadSetting(
            "export needs a file to write, such as -o runs.csv (or -o - with --format)."
        )
    form = form_of(path, form)
    result = StudyResult.open(folder)
    what = (
        result.to_json()
        if table is None and form == "json"
        else columns(result, table or "epochs")
    )
    if path == STANDARD:
        put_out(exported(what, form))
        return 0
    write(what, form, path, force=force)
    say(f"written to {path}")
    return 0


def _figure(folder: Path, name: str, path: Path, paper: Paper, *, force: bool) -> int:
    from normlab.analysis.result import StudyResult
    from normlab.figures.gallery import Gallery
    from normlab.figures.kit.export import export_figure, form_of

    form_of(path, name)
    picture = Gallery(StudyResult.open(folder))[name]
    export_figure(picture, path, paper=paper, force=force)
    say(f"written to {path}")
    return 0


def _figures(folder: Path, form: str, path: Path, paper: Paper, *, force: bool) -> int:
    from normlab.analysis.result import StudyResult
    from normlab.figures.gallery import Gallery
    from normlab.figures.kit.export import export_figures

    pictures, missing = Gallery(StudyResult.open(folder)).drawn()
    written = export_figures(pictures, form, path, paper=paper, force=force)
    say(f"{len(written)} figures written to {path}")
    for line in missing:
        say(f"not drawn: {line}")
    return 0
