"""What the benchmarks share: pinning, interleaved blocks, whole processes, tables.

Speeds on a shared machine drift by a factor of two within minutes. So nothing here
compares a time with one of another occasion: contestants take turns in short blocks
(or whole processes), a ratio is formed within each round, and the median of the
ratios is what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles

from normlab.study.slot import KEEP_MEMORY

Block = Callable[[int], object]
"""Does as many steps as it is told."""

CLOCKS: dict[str, Callable[[], float]] = {
    "wall": time.perf_counter,
    "cpu": time.process_time,
}
NORMLAB = Path(sys.executable).with_name("normlab")


def pin(core: int) -> None:
    """Keep this process on one core, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def live_as_workers_do() -> None:
    """Start this program anew if it keeps memory otherwise than a worker."""
    if not KEEP_MEMORY.items() <= os.environ.items():
        kept = {**os.environ, **KEEP_MEMORY}
        os.execve(sys.executable, [sys.executable, *sys.argv], kept)


def interleaved(
    contestants: Mapping[str, Block], *, blocks: int, steps: int, clock: str
) -> dict[str, list[float]]:
    """Seconds per step of each contestant in each round.

    The first round warms up and is not counted.
    """
    now = CLOCKS[clock]
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(blocks + 1):
        for name, block in contestants.items():
            began = now()
            block(steps)
            seconds[name].append((now() - began) / steps)
    return {name: values[1:] for name, values in seconds.items()}


def ratios(values: Sequence[float], reference: Sequence[float]) -> list[float]:
    """Value over reference, round by round."""
    return [v / r for v, r in zip(values, reference, strict=True)]


def spread(values: Sequence[float]) -> str:
    """Median and quartiles as text.

    Example:
        >>> spread([1.0, 2.0, 3.0])
        '2.000 [1.000, 3.000]'
    """
    if len(values) < 2:
        return f"{values[0]:.3f}"
    low, _, high = quantiles(values, n=4)
    return f"{median(values):.3f} [{low:.3f}, {high:.3f}]"


def process_seconds(command: Sequence[str | Path]) -> float:
    """Seconds from start to end of a process; its output is shown only if it fails."""
    began = time.perf_counter()
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return seconds


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned text; the first column to the left, the others to the right."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def parser_for(doc: str | None) -> argparse.ArgumentParser:
    """A parser that introduces itself by the first line of `doc` and knows --json."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, help="append the figures to this file")
    return parser


def append_json(
    path: Path | None, benchmark: str, figures: Mapping[str, object]
) -> None:
    """Add one line to `path`: the benchmark, the machine's cores, its figures."""
    if path is None:
        return
    row = {"benchmark": benchmark, "cores": os.cpu_count(), **figures}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
