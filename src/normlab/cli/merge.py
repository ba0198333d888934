"""`normlab merge`: parts of a study, trained in different places, become one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normlab.terminal.printing import say

_SHOWN = 5  # runs


def merge(
    parts: Annotated[
        list[Path],
        typer.Argument(metavar="PART...", help="What `run --only-seeds` has made."),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="The whole study: a new folder, or one that was merged before.",
        ),
    ],
) -> int:
    """Bring parts of a study together; executes nothing of them, changes none.

    Runs that have ended are taken over. Merge again, into the same folder, when more
    have. `normlab resume` then measures what follows training.
    """
    from shlex import quote

    from normlab.analysis.text.layout import wrapped
    from normlab.analysis.text.words import count
    from normlab.records.parts import merge as bring_together

    found = bring_together(parts, out)
    runs = found.ended + len(found.missing)
    taken = f"{count(found.added, 'run')} taken over from {count(len(parts), 'part')}"
    say(wrapped(f"{taken}: {found.ended} of {count(runs, 'run')} are in {out}"))
    if found.missing:
        named = ", ".join(key.id for key in found.missing[:_SHOWN])
        more = len(found.missing) - _SHOWN
        say(wrapped(f"missing: {named}{f' and {more} more' if more > 0 else ''}"))
        say("merge again when they have ended, or train them here:")
    else:
        say("measure what follows training, and get the verdicts:")
    say(f"  normlab resume {quote(str(out))}")
    return 0
