"""`normlab new`: a study.toml to change and run."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from normlab.cli import options
from normlab.experiments.registry import NAMES
from normlab.terminal.printing import say


def new(
    name: Annotated[
        str,
        typer.Argument(help=f"Where to start from: {', '.join(NAMES)}."),
    ] = "article",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="A new .toml file, or a folder for study.toml [default: NAME].",
        ),
    ] = None,
    full: options.Full = False,
) -> int:
    """Write a study.toml with every setting and its meaning, to change and run."""
    from normlab.experiments.registry import experiment
    from normlab.experiments.template import template

    text = template(experiment(name), full=full)
    path = _write(text, out or Path(name))
    say(f"written: {path}\nchange it, then: normlab run {quote(str(path))}")
    return 0


def _write(text: str, out: Path) -> Path:
    from normlab.disk import whole
    from normlab.errors import BadFolder

    path = out if out.suffix == ".toml" else out / "study.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() or path.is_symlink():
        raise BadFolder(f"{path} exists already. Choose another place with --out.")
    whole.write(path, text.encode())
    return path
