"""A study over learning rates: against single runs in sequence, workers, memory.

The article's network at six rates, two arms, three seeds: 36 runs as one study on all
cores, and as 36 studies of one run, one after another, each on one worker. Both hold
out the same 5,000 images, so that both train alike. A study, large or small, is a
Python process of its own that calls `normlab.study.api.run` with `--measure none` and
prints the result: `normlab run` without its report and live display. It says when its
runs began and ended, which gives

* `workers busy`: seconds from each run's first message, when its network has been
  built, to its end, summed, over workers times wall time of training, which is from
  the moment before the first run is given out to the end of the last;
* `PSS`: as in `memory.py`, of the whole study at its peak.

`--single-sample K` runs K of the 36 alone, evenly spread, and scales to all of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import median
from typing import NamedTuple

from memory import watch
from normlab.records.events import Diverged, Failed, Finished, Started
from normlab.spec.plan import RunKey, plan
from normlab.spec.settings import parse_norms, parse_seeds
from normlab.spec.study import StudySpec
from normlab.study.api import run
from normlab.study.listener import Silent, Workload
from normlab.study.pace import workers_of
from timing import append_json, parser_for, process_seconds, ratios, spread, table

HELD_OUT = 5_000
BUSY = 0.92


class Timekeeper(Silent):
    """Notes when training begins, and when each run does and ends."""

    def __init__(self) -> None:
        self.start = 0.0
        self.first: dict[RunKey, float] = {}
        self.last: dict[RunKey, float] = {}

    def began(self, work: Workload) -> None:
        """Start the clock."""
        self.start = time.perf_counter()

    def event(self, key: RunKey, event: object) -> None:
        """Note the first and the last event of a run."""
        if isinstance(event, Started):
            self.first[key] = time.perf_counter()
        elif isinstance(event, Finished | Diverged | Failed):
            self.last[key] = time.perf_counter()

    def figures(self, workers: int) -> dict[str, float]:
        """Wall seconds of training, seconds that runs took, share of workers busy."""
        wall = max(self.last.values()) - self.start
        spent = sum(self.last[key] - self.first[key] for key in self.last)
        return {"training": wall, "runs": spent, "busy": spent / (workers * wall)}


class Round(NamedTuple):
    """One study, and its runs alone."""

    study: float  # seconds of the whole process
    single: float  # seconds of all runs in sequence
    training: float
    busy: float
    peak_gb: float


def spec_of(given: argparse.Namespace) -> StudySpec:
    """The study that the options describe."""
    tables = {
        "experiment": "sweep",
        "seeds": parse_seeds(given.seeds),
        "measure": "none",
        "data": {"validation": HELD_OUT},
        "recipe": {"rates": given.lr.split(","), "epochs": given.epochs},
        "execution": {"workers": given.workers},
        "arms": parse_norms(given.norm),
    }
    return StudySpec(**tables)


def conduct(spec: StudySpec, times: Path) -> None:
    """What a process of its own does: the study, with its times into a file."""
    keeper = Timekeeper()
    with tempfile.TemporaryDirectory() as folder:
        print(run(spec, Path(folder) / "study", watcher=keeper))
    times.write_text(json.dumps(keeper.figures(workers_of(spec.execution))))


def command(spec: StudySpec, times: Path, key: RunKey | None = None) -> list[str]:
    """The whole study as a process, or one of its runs on one worker."""
    rates, seeds = spec.recipe.rates, spec.seeds
    arms, workers = [arm.name for arm in spec.arms], workers_of(spec.execution)
    if key is not None:
        rates, seeds, arms, workers = (key.rate,), (key.seed,), [key.arm], 1
    return [
        *(sys.executable, str(Path(__file__)), "--conduct", str(times)),
        *("--lr", ",".join(map(repr, rates)), "--norm", ",".join(arms)),
        *("--seeds", "".join(f"{seed}," for seed in seeds)),
        *("--epochs", str(spec.recipe.epochs), "--workers", str(workers)),
    ]


def whole(spec: StudySpec, interval: float) -> tuple[float, float, dict[str, float]]:
    """Seconds of the study, its peak in GB, and what its timekeeper wrote."""
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.json"
        began = time.perf_counter()
        peak, _ = watch(command(spec, times), interval)
        seconds = time.perf_counter() - began
        return seconds, sum(peak.values()) / 1e9, json.loads(times.read_text())


def alone(spec: StudySpec, keys: Sequence[RunKey]) -> float:
    """Seconds of all runs of the study in sequence, from those in `keys`."""
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.json"
        taken = [process_seconds(command(spec, times, key)) for key in keys]
    return sum(taken) * len(plan(spec)) / len(keys)


def sample(spec: StudySpec, count: int | None) -> list[RunKey]:
    """So many runs, evenly spread over rates, then arms, then seeds; None: all."""
    arms = [arm.name for arm in spec.arms]
    keys = [RunKey(a, r, s) for r, a, s in product(spec.recipe.rates, arms, spec.seeds)]
    count = min(count or len(keys), len(keys))
    return [keys[(2 * i + 1) * len(keys) // (2 * count)] for i in range(count)]


def measured(
    spec: StudySpec, keys: Sequence[RunKey], given: argparse.Namespace
) -> None:
    """Take turns, form ratios within rounds, print medians."""
    rounds = [_round(spec, keys, given.interval, i) for i in range(given.repeats)]
    of = {name: [getattr(r, name) for r in rounds] for name in Round._fields}
    workers, runs = workers_of(spec.execution), len(plan(spec))
    some = f", scaled from {len(keys)}" if len(keys) < runs else ""
    faster = ratios(of["single"], of["study"])
    rows = [
        (f"study of {runs} runs on {workers} workers, s", spread(of["study"]), ""),
        (f"{runs} single runs in sequence{some}, s", spread(of["single"]), ""),
        ("single runs / study", spread(faster), ""),
        ("training within the study, s", spread(of["training"]), ""),
        ("workers busy", spread(of["busy"]), f">= {BUSY}"),
        ("PSS of the study, all processes, GB", spread(of["peak_gb"]), ""),
    ]
    print(table(("figure", "median", "target"), rows))
    medians = {name: median(values) for name, values in of.items()}
    asked = {"runs": runs, "workers": workers, "epochs": spec.recipe.epochs}
    figures = {**asked, "alone": len(keys), "ratio": median(faster), **medians}
    append_json(given.json, "sweep", figures)


def _round(spec: StudySpec, keys: Sequence[RunKey], interval: float, i: int) -> Round:
    """Every other round goes backwards."""
    single = alone(spec, keys) if i % 2 else 0.0
    study, peak, times = whole(spec, interval)
    single = single or alone(spec, keys)
    print(f"  round {i + 1}: study {study:.1f} s, alone {single:.1f} s", flush=True)
    return Round(study, single, times["training"], times["busy"], peak)


def main() -> None:
    """Measure, or be the process that is measured."""
    parser = parser_for(__doc__)
    parser.add_argument("--lr", default="0.003,0.01,0.03,0.1,0.3,1")
    parser.add_argument("--norm", default="none,batch")
    parser.add_argument("--seeds", default="3")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--workers", type=int, help="of the study; one per core")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--single-sample", type=int, metavar="K", help="runs alone")
    parser.add_argument("--interval", type=float, default=0.5, help="seconds, of PSS")
    parser.add_argument("--conduct", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.single_sample is not None and given.single_sample < 1:
        parser.error("--single-sample must be at least 1")
    spec = spec_of(given)
    if given.conduct:
        conduct(spec, given.conduct)
    else:
        measured(spec, sample(spec, given.single_sample), given)


if __name__ == "__main__":
    main()
