"""What commands need of studies that grow: processor seconds, memory, bytes.

Studies of 100 to 10,000 runs are made by `grown.py`; every command is a process of its
own, whose processor seconds and peak memory the system counts. Behind seconds stands
how many times those of the size before they are; what grew by more than the runs did is
named at the end, and the exit code is 1. `docs/scale.md` says what came out.

    python benchmarks/growth.py                         # all sizes, fifteen minutes
    python benchmarks/growth.py --runs 100,1000
    python benchmarks/growth.py --what arms,points
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from grown import Size, grow
from normlab.records.export import SUFFIXES
from timing import append_json, parser_for, table

RUNS = "100,300,1000,3000,10000"
QUESTIONS = ("runs", "refine", "arms", "rates", "points", "epochs", "layers")
LARGE = ("show", "show --json", "report")
DATABASE = "study.db, MB"
SLACK = 1.15  # processor seconds of equal work differ by that much
OF_A_SEED = 10  # runs: two arms at five rates
COMMANDS: dict[str, Sequence[str]] = {
    "show": ("show", "{study}"),
    "show --json": ("show", "{study}", "--json"),
    "report": ("report", "{study}", "-o", "-"),
    "list": ("list", "{above}"),
    **{
        f"export {form}": ("export", "{study}", "--format", form, "-o", "-")
        for form in SUFFIXES
        if form != "parquet" or find_spec("pyarrow")
    },
}
Row = dict[str, float]


class Used(NamedTuple):
    """What a process needed."""

    seconds: float  # of processors
    megabytes: float  # at its peak


def used_by(arguments: Sequence[str]) -> Used:
    """Run `normlab` with arguments and count; its output is thrown away."""
    command = [sys.executable, "-m", "normlab", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    return Used(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def measured(folder: Path, size: Size, commands: Iterable[str]) -> Row:
    """Make a study in an empty folder and measure commands on it."""
    study = folder / "study"
    # a process begins with the peak of the one that starts it: keep torch out of here
    with get_context("spawn").Pool(1) as apart:
        made = apart.apply(grow, (study, size))
    row = {"runs": made.runs, "conductor, ms a run": 1e3 * made.seconds / made.runs}
    row[DATABASE] = (study / "study.db").stat().st_size / 1e6
    for name in commands:
        places = {"study": study, "above": folder}
        used = used_by([word.format(**places) for word in COMMANDS[name]])
        row[f"{name}, s"], row[f"{name}, MB"] = used
        print(f"  {size} {name}: {used.seconds:.1f} s", flush=True)
    return row


def sizes(question: str, runs: Sequence[int]) -> dict[str, Size]:
    """The studies that answer a question, by what they are called."""
    match question:
        case "runs":
            of = {f"{n:,} runs": Size(seeds=n // OF_A_SEED, rates=5) for n in runs}
        case "refine":
            of = {
                f"{n:,} runs": Size(seeds=5, rates=5, refine=4, points=n // 50)
                for n in runs
            }
        case "arms":
            of = {f"{n} arms": Size(seeds=20, arms=n) for n in (10, 30, 100)}
            of["100 arms, 100 seeds"] = Size(seeds=100, arms=100)
        case "rates":
            of = {f"{n:,} rates": Size(seeds=5, rates=n) for n in (10, 100, 1000)}
        case "points":
            of = {
                f"{n:,} points": Size(seeds=3, points=n) for n in (10, 100, 1000, 3000)
            }
        case "epochs":
            of = {
                f"{n} epochs": Size(seeds=50, rates=2, epochs=n)
                for n in (25, 50, 100, 200)
            }
        case "layers":
            of = {
                f"{n} layers": Size(seeds=50, rates=2, layers=n)
                for n in (8, 16, 32, 64)
            }
        case _:
            sys.exit(f"--what {question} is none of {', '.join(QUESTIONS)}")
    return of


def grew(rows: dict[str, Row]) -> dict[str, list[float | None]]:
    """Of every number of seconds, its ratio to that of the size before."""
    sizes = list(rows.values())
    return {
        name: [
            after[name] / before[name] if name in before and name in after else None
            for before, after in pairwise(sizes)
        ]
        for name in names(rows)
        if name.endswith(", s")
    }


def above_linear(rows: dict[str, Row]) -> list[str]:
    """What grew by more than the runs, or the bytes that a run keeps, from one size on.

    Where arms, layers or epochs grow, it is the larger of both that grows linearly.
    """
    sizes = list(rows.items())
    more = [
        max(after["runs"] / before["runs"], after[DATABASE] / before[DATABASE])
        for (_, before), (_, after) in pairwise(sizes)
    ]
    return [
        f"{name}: {ratio:.2f} times as much of {size} as of {earlier}"
        for name, ratios in grew(rows).items()
        for ratio, most, ((earlier, _), (size, _)) in zip(
            ratios, more, pairwise(sizes), strict=True
        )
        if ratio is not None and ratio > SLACK * most
    ]


def names(rows: dict[str, Row]) -> list[str]:
    """Of everything that was measured."""
    return list(dict.fromkeys(name for row in rows.values() for name in row))


def as_tables(rows: dict[str, Row]) -> str:
    """Quantities down, sizes across."""
    growth = grew(rows)

    def cells(name: str) -> Iterator[str]:
        ratios = [None, *growth.get(name, [None] * (len(rows) - 1))]
        for row, ratio in zip(rows.values(), ratios, strict=True):
            value = f"{row[name]:.3g}" if name in row else "-"
            yield f"{value} (x{ratio:.1f})" if ratio else value

    return table(("", *rows), [(name, *cells(name)) for name in names(rows)])


def main() -> None:
    """Measure and print."""
    parser = parser_for(__doc__)
    parser.add_argument("--what", default=",".join(QUESTIONS))
    parser.add_argument("--runs", default=RUNS)
    given = parser.parse_args()
    began, above = time.perf_counter(), list[str]()
    numbers = [int(number) for number in given.runs.split(",")]
    for question in given.what.split(","):
        commands = COMMANDS if question == "runs" else LARGE
        rows: dict[str, Row] = {}
        for name, size in sizes(question, numbers).items():
            with tempfile.TemporaryDirectory() as folder:
                rows[name] = measured(Path(folder), size, commands)
        print(f"\n{as_tables(rows)}\n", flush=True)
        append_json(given.json, f"growth by {question}", rows)
        above += above_linear(rows)
    print(f"{time.perf_counter() - began:.0f} s")
    if above:
        sys.exit("\n".join(["more than linear:", *above]))


if __name__ == "__main__":
    main()
