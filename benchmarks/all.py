"""Every benchmark, one after another, each in a process of its own.

A script that fails, or whose figures are outside their bounds, does not stop the
others; it is named at the end, and the exit code is 1. `--quick` only tries whether
all of them work: its figures say nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from timing import NORMLAB

HERE = Path(__file__).parent
STUDY = "STUDY"  # stands for the folder of a finished study


class Benchmark(NamedTuple):
    """A script, and how it is called; None if there is nothing to call it for."""

    script: str
    full: tuple[str, ...] | None
    quick: tuple[str, ...] | None
    json: bool = True
    """Whether it can append its figures to a file."""


SHORT_FLOOR = ("--blocks", "5", "--steps", "10")
SHORT_SURFACES = ("--points", "9", "--loop-points", "2", "--epochs", "1")
BENCHMARKS = {
    # in full, study_speed times it
    "article_script": Benchmark(
        "article_script.py", None, ("--epochs", "1", "--images", "3840"), json=False
    ),
    "study_speed": Benchmark("study_speed.py", (), ("--what", "help")),
    "floor": Benchmark(
        "floor.py",
        ("--peers", "plain,normlab"),
        ("--peers", "plain,normlab", *SHORT_FLOOR),
    ),
    "memory": Benchmark("memory.py", (), ("--epochs", "1", "--seeds", "1")),
    # its bounds are those of the article's five epochs
    "accuracy": Benchmark("accuracy.py", (STUDY,), None),
    "probes": Benchmark("probes.py", (), ("--epochs", "1", "--images", "6400")),
    "surfaces": Benchmark(
        "surfaces.py", (), ("--only", "plain", *SHORT_SURFACES), json=False
    ),
    "sweep": Benchmark(
        "sweep.py",
        (),
        ("--epochs", "1", "--lr", "0.01,1", "--seeds", "1", "--single-sample", "1"),
    ),
    "growth": Benchmark("growth.py", (), ("--what", "runs", "--runs", "100")),
    "conductor": Benchmark("conductor.py", (), ("--seeds", "4")),
    "jax_loop": Benchmark(
        "floor.py",
        ("--peers", "normlab,jax"),
        ("--peers", "normlab,jax", *SHORT_FLOOR),
    ),
}


def run(name: str, given: argparse.Namespace, folder: Path) -> str:
    """Run one benchmark, which prints its table.

    Returns:
        What went wrong; empty if nothing did.
    """
    print(f"\n{name}", flush=True)
    chosen = BENCHMARKS[name]
    if name == "jax_loop" and importlib.util.find_spec("jax") is None:
        print("left out: jax cannot be imported")
        return ""
    wanted = chosen.quick if given.quick else chosen.full
    if wanted is None:
        print("left out: it has no such form, see README.md")
        return ""
    arguments = list(wanted)
    if STUDY in arguments:
        study = [str(NORMLAB), "run", "--measure", "none", "--quiet", "--out"]
        made = subprocess.run([*study, str(folder / name)], stdout=subprocess.DEVNULL)
        if made.returncode:
            return f"its study ended with {made.returncode}"
        arguments[arguments.index(STUDY)] = str(folder / name)
    if given.json and chosen.json:
        arguments += ["--json", str(given.json.absolute())]
    ended = subprocess.run([sys.executable, str(HERE / chosen.script), *arguments])
    return f"ended with {ended.returncode}" if ended.returncode else ""


def main() -> int:
    """Run all or one; 1 if any failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small settings: a try")
    parser.add_argument("--only", choices=BENCHMARKS, help="one of them")
    parser.add_argument("--json", type=Path, help="append the figures to this file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = [given.only] if given.only else list(BENCHMARKS)
        troubles = {name: run(name, given, Path(folder)) for name in names}
    failed = {name: why for name, why in troubles.items() if why}
    print()
    for name, why in failed.items():
        print(f"FAILED: {name} {why}")
    print(f"{len(names) - len(failed)} of {len(names)} benchmarks without trouble")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
