"""`normlab export`: a study's records or figures for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normlab.cli import options
from normlab.errors import BadSetting
from normlab.terminal.printing import STANDARD, put_out, say


def export(
    folder: options.Folder,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="csv|json|parquet",
            help="Records; parquet needs normlab[parquet] installed.",
        ),
    ] = None,
    figures: Annotated[
        str | None,
        typer.Option(
            "--figures",
            metavar="svg|png|pdf",
            help="Figures; needs normlab[static] and Chrome or Chromium.",
        ),
    ] = None,
    path: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="A file, - for standard output, or a folder for figures "
            "[default: DIR/figures].",
        ),
    ] = None,
    force: options.Force = False,
) -> int:
    """Write a study's records as csv, json or parquet, or its figures."""
    if (form is None) == (figures is None):
        raise BadSetting(
            "export needs either --format csv|json|parquet (records) or "
            "--figures svg|png|pdf. See: normlab export --help"
        )
    if figures is not None:
        if path == STANDARD:
            raise BadSetting("export --figures writes several files. Give a folder.")
        return _figures(folder, figures, path or folder / "figures", force=force)
    if path is None:
        raise BadSetting("export --format needs a file to write. Give it with -o PATH.")
    return _records(folder, str(form), path, force=force)


def _records(folder: Path, form: str, path: Path, *, force: bool) -> int:
    from normlab.analysis.result import StudyResult
    from normlab.records.export import export as write
    from normlab.records.export import exported

    result = StudyResult.open(folder)
    summary = result.to_json() if form == "json" else None
    if path == STANDARD:
        put_out(exported(result.record, form, summary=summary))
        return 0
    write(result.record, form, path, summary=summary, force=force)
    say(f"written to {path}")
    return 0


def _figures(folder: Path, form: str, path: Path, *, force: bool) -> int:
    from normlab.analysis.result import StudyResult
    from normlab.figures.gallery import Gallery
    from normlab.figures.kit.export import export_figures

    pictures, missing = Gallery(StudyResult.open(folder)).drawn()
    written = export_figures(pictures, form, path, force=force)
    say(f"{len(written)} figures written to {path}")
    for line in missing:
        say(f"not drawn: {line}")
    return 0
