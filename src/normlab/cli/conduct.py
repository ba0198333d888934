"""Train under the eyes of a watcher, then say what came out; or how to go on."""

from __future__ import annotations

from itertools import count as naturals
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.words import ARMS, count, named, seeds_text
from normlab.cli.stopping import Stopped, signal_behind
from normlab.errors import NormlabError
from normlab.terminal.printing import complain, say
from normlab.terminal.watching import watching

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from normlab.analysis.result import StudyResult
    from normlab.spec.study import StudySpec
    from normlab.study.listener import ProgressListener


class Manner(NamedTuple):
    """How much is said of a study."""

    quiet: bool = False
    """Only the answer, and where the report is."""
    verbose: bool = False
    """Every run, each claim with its reason, charts."""
    show: bool = False
    """The report, in the user's browser."""


def conduct(
    spec: StudySpec,
    folder: Path,
    train: Callable[[ProgressListener], StudyResult],
    *,
    chosen: Sequence[int] = (),
    told: Sequence[str] = (),
    manner: Manner,
) -> int:
    """Announce the study, train it, print its account, write its report.

    Args:
        spec: The study, for the announcement.
        folder: Where it is kept.
        train: The one library call.
        chosen: The seeds that choose rates, where the study has settled that.
        told: What else has to be known before, in lines.
        manner: How much is said.

    Returns:
        The exit code: 1 if something failed; 2 if the report cannot be written.

    Raises:
        Stopped: By a signal, at whatever moment; it says how to go on.
    """
    try:
        return _conducted(spec, folder, train, chosen, told, manner)
    except BaseException as error:
        number = signal_behind(error)
        if number is None:
            raise
        raise Stopped(number, _how_to_go_on(folder)) from error


def _conducted(
    spec: StudySpec,
    folder: Path,
    train: Callable[[ProgressListener], StudyResult],
    chosen: Sequence[int],
    told: Sequence[str],
    manner: Manner,
) -> int:
    for line in executed(spec):
        say(line)
    if not manner.quiet:
        kept = f"to be kept in {folder}"
        say("\n".join((announcement(spec, chosen), kept, *told)))
    from normlab.records.parts import only_seeds

    try:
        with watching(quiet=manner.quiet) as watcher:
            result = train(watcher)
    except BrokenPipeError:  # nobody reads the progress any more
        complain(f"normlab: {_how_to_go_on(folder)}")
        raise
    only = only_seeds(result.record.meta)
    if only is not None:
        return _of_part(result, only, folder)
    # first what took long, so that no trouble with the report can lose it
    _account(result, folder, manner)
    failed = [run.key.id for run in result.record.runs if run.status == "failed"]
    failed += result.record.failed
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        complain(f"normlab: {failed[0]}{more} failed; the account says why.")
    lost = result.record.lost
    if lost:
        complain(f"normlab: {count(len(lost), 'file')} of results cannot be read.")
    return _report(result, folder, manner) or int(bool(failed or lost))


def _of_part(result: StudyResult, only: Sequence[int], folder: Path) -> int:
    """Say what a part of a study has, and what brings it together with the others."""
    from normlab.records.rows import ENDED

    runs = [run for run in result.record.runs if run.key.seed in only]
    ended = sum(run.status in ENDED for run in runs)
    say(
        wrapped(
            f"a part of the study ({seeds_text(only)}): {ended} of "
            f"{count(len(runs), 'run')} have ended, of {len(result.record.runs)} in all"
        )
    )
    say("when all parts have, bring them together:")
    say(f"  normlab merge {quote(str(folder))} ... -o whole")
    failed = [run.key.id for run in runs if run.status == "failed"]
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        complain(f"normlab: {failed[0]}{more} failed; normlab show says why.")
    return int(bool(failed))


def _account(result: StudyResult, folder: Path, manner: Manner) -> None:
    from normlab.terminal.styled import put
    from normlab.terminal.summary_text import brief_summary, summary

    if manner.quiet:
        put(brief_summary(result))
    else:
        put(summary(result, folder, report=False, verbose=manner.verbose))


def _report(result: StudyResult, folder: Path, manner: Manner) -> int:
    """Write the report and say where it is, or how to get it."""
    from normlab.report.write import NAME, write

    try:
        path = write(result, folder / NAME)
    except NormlabError as error:
        complain(f"normlab: error: {error}")
        return error.exit_code
    say(f"look at it: {path}")
    if manner.show:
        from normlab.cli.opening import open_in_browser

        open_in_browser(path)
    return 0


def executed(spec: StudySpec) -> list[str]:
    """A line for each file or module of the user's that is going to be executed."""
    model, arms = spec.model, [arm for arm in spec.arms if arm.file is not None]
    lines = [f"executing {arm.file} (norm {arm.own})" for arm in arms]
    if model.factory is not None:
        where = model.file or model.module
        lines.insert(0, f"executing {where} (function {model.factory})")
    return lines


def announcement(spec: StudySpec, chosen: Sequence[int] = ()) -> str:
    """How many runs of what; with several rates, which seeds choose among them."""
    arms, rates, seeds = len(spec.arms), len(spec.recipe.rates), len(spec.seeds)
    several = f" x {count(rates, 'learning rate')}" if rates > 1 else ""
    points = len(spec.sweep.points)
    for axis in spec.sweep.axes:
        several += f" x {count(len(axis.values), 'value')} of {axis.key}"
    names = named([*spec.labels.values()], ARMS)
    line = (
        f"{spec.experiment}: {count(arms, 'arm')} ({names}){several} x "
        f"{count(seeds, 'seed')} = {count(arms * rates * points * seeds, 'run')} of "
        f"{count(spec.recipe.epochs, 'epoch')}"
    )
    return "\n".join(map(wrapped, (line, *_who_chooses(spec, chosen))))


def _who_chooses(spec: StudySpec, chosen: Sequence[int]) -> list[str]:
    """Which seeds choose each arm's own best rate, and which then compare."""
    if len(spec.recipe.rates) == 1 or len(spec.arms) == 1:
        return []
    if spec.data.validation == 0:
        return ["no images are held out: no rate is chosen, all are compared alike"]
    from normlab.analysis.design.rates import choice_seeds, claim_seeds
    from normlab.analysis.inference.evidence import MIN_SEEDS

    chosen = chosen or choice_seeds(spec.seeds)
    claimed = [seed for seed in spec.seeds if seed not in chosen]
    line = f"each arm's own best lr: chosen by {seeds_text(chosen)}"
    if claimed:
        line += f", compared by {seeds_text(claimed)}"
    if len(claimed) < MIN_SEEDS:
        enough = next(n for n in naturals(1) if len(claim_seeds(range(n))) >= MIN_SEEDS)
        line += f"; a verdict there needs at least {enough} seeds"
    return [line]


def _how_to_go_on(folder: Path) -> str:
    if not (folder / "study.db").exists():
        return "stopped before training began; nothing was kept."
    return (
        "stopped; everything so far is kept. Go on with: normlab resume "
        f"{quote(str(folder))}"
    )
