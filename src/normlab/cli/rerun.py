"""`normlab rerun`: the same study once more, in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normlab.analysis.text.words import count
from normlab.cli import options
from normlab.terminal.printing import say

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.study.listener import ProgressListener

_SHOWN = 10  # differences; there may be one in every step of every run


def rerun(
    folder: options.Folder,
    out: options.Out = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Compare every number with the first study's; exit code 1 if one "
            "differs.",
        ),
    ] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> int:
    """Train the same study again in another folder."""
    from normlab.cli.conduct import Manner, conduct
    from normlab.records.folder import StudyFolder
    from normlab.terminal.watching import dated_folder

    spec = StudyFolder.open(folder).spec
    into = out or dated_folder(spec.experiment)
    StudyFolder.refuse_taken(into)  # before it is said that the study is kept there

    def train(watcher: ProgressListener) -> StudyResult:
        from normlab.study import api

        return api.rerun(folder, into, watcher=watcher)

    code = conduct(spec, into, train, manner=Manner(quiet, verbose))
    return max(code, _checked(folder, into)) if check else code


def _checked(first: Path, second: Path) -> int:
    """Say whether both studies hold the same numbers; 1 if they do not."""
    from normlab.records.compare import folder_differences
    from normlab.records.folder import StudyFolder

    found = folder_differences(StudyFolder.open(first), StudyFolder.open(second))
    if not found:
        say(f"identical to {first}: every number but times, to the last bit")
        return 0
    say(f"differs from {first} in {count(len(found), 'place')}:")
    for line in found[:_SHOWN]:
        say(f"  {line}")
    if len(found) > _SHOWN:
        say(f"  and {len(found) - _SHOWN:,} more")
    return 1
