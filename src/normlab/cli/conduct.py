"""Train under the eyes of a watcher, then say what came out; or how to go on."""

from __future__ import annotations

import sys
from shlex import quote
from typing import TYPE_CHECKING

from normlab.cli.watching import watching
from normlab.cli.wording import count

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from normlab.analysis.result import Result
    from normlab.spec.study import StudySpec
    from normlab.study.progress import Watcher

INTERRUPTED = 130


def conduct(
    spec: StudySpec,
    folder: Path,
    train: Callable[[Watcher], Result],
    *,
    quiet: bool,
) -> int:
    """Announce the study, train it, print its account.

    Args:
        spec: The study, for the announcement.
        folder: Where it is kept.
        train: The one library call.
        quiet: Print only the account.

    Returns:
        The exit code: 1 if a run failed, 130 if the user stopped it.
    """
    if spec.model.file is not None:
        print(f"executing {spec.model.file} (function {spec.model.factory})")
    if not quiet:
        print(f"{_announcement(spec)}\nkept in {folder}", flush=True)
    from normlab.report.write import NAME, write

    try:
        with watching(quiet=quiet) as watcher:
            result = train(watcher)
            watcher.note("drawing the report")
            write(result, folder / NAME)
    except KeyboardInterrupt:
        print(_how_to_go_on(folder), file=sys.stderr)
        return INTERRUPTED
    from normlab.cli.account import account

    print(account(result, folder))
    return int(any(run.status == "failed" for run in result.record.runs))


def _announcement(spec: StudySpec) -> str:
    arms, rates, seeds = len(spec.arms), len(spec.recipe.rates), len(spec.seeds)
    several = f" x {count(rates, 'learning rate')}" if rates > 1 else ""
    points = len(spec.sweep.points)
    for axis in spec.sweep.axes:
        several += f" x {count(len(axis.values), 'value')} of {axis.key}"
    names = ", ".join(arm.name for arm in spec.arms)
    return (
        f"{spec.experiment}: {count(arms, 'arm')} ({names}){several} x "
        f"{count(seeds, 'seed')} = {count(arms * rates * points * seeds, 'run')} of "
        f"{count(spec.recipe.epochs, 'epoch')}"
    )


def _how_to_go_on(folder: Path) -> str:
    if not (folder / "study.db").exists():
        return "normlab: interrupted before training began; nothing was kept."
    return (
        "normlab: interrupted; everything so far is kept. Go on with:\n"
        f"  normlab resume {quote(str(folder))}"
    )
