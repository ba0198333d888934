"""`python -m tests.resilience`: interrupt studies, and compare what comes of them."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.resilience import chaos, crowd, exact, growing, scarce
from tests.resilience.batch import Trial, table, tried
from tests.resilience.home import draw, uninterrupted


def main(arguments: Sequence[str] | None = None) -> int:
    """Make all trials that are asked for; 1 if anything was wrong."""
    asked = _asked(arguments)
    home = asked.home or Path(tempfile.mkdtemp(prefix="chaos-"))
    say(f"in {home}; an uninterrupted study first")
    whole = uninterrupted(home / "whole").study
    results = tried(_trials(asked, whole, home), home / "trials", say)
    say("\n" + table(results))
    return int(any(result.faults for result in results))


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.resilience", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="interruptions")
    parser.add_argument("--races", type=int, default=500, help="of two on one folder")
    parser.add_argument(
        "--exact",
        choices=("none", "short", "full"),
        default="full",
        help="kill points: none, some drawn by the seed, or every one",
    )
    parser.add_argument(
        "--wants",
        choices=("none", "short", "full"),
        default="full",
        help="of room, memory, folders, quiet: none, a few, or all",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--home", type=Path, help="where; a new folder in TMPDIR")
    return parser.parse_args(arguments)


def _trials(asked: argparse.Namespace, whole: Path, home: Path) -> Iterator[Trial]:
    yield from _rounds(asked.seed, asked.rounds, whole)
    if asked.exact != "none":
        few = None if asked.exact == "full" else draw(asked.seed)
        yield from exact.trials(whole, home / "exact", few)
        yield from growing.trials(home / "growing")
    full = asked.wants == "full"
    if asked.wants != "none":
        yield from scarce.trials(whole, home, full=full)
    if full:
        yield from crowd.trials(whole, pairs=10, count=50)
    if asked.races:
        yield crowd.race(asked.races)


def _rounds(first: int, count: int, whole: Path) -> Iterator[Trial]:
    for seed in range(first, first + count):
        stage = chaos.stage_of(seed)
        name = f"--seed {seed} ({stage})"
        yield Trial(f"identical, {stage}", name, partial(_round, seed, whole=whole))


def _round(seed: int, home: Path, whole: Path) -> list[str]:
    played = chaos.play(seed, home, whole)
    if not played.hit:
        played.faults.append(f"{chaos.stage_of(seed)} was not hit")
    return [*played.faults, *played.told] if played.faults else []


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
