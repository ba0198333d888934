"""What probes cost: runs with `full` and `light` against `none`, step by step.

All runs train the same network on the same batches in one process and take turns in
blocks of the same steps, so that what looks happen in a block is paid for there. The
ratio of the sums over the whole training is the cost. Of a study's seeds the first
alone keeps networks on its way (`full, first seed`); the last row is the mean over all
runs of a study of five seeds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from normlab.data.load import load
from normlab.probes.registry import Measure, observers
from normlab.records.events import Steps
from normlab.spec.arms import Arm
from normlab.spec.data import Data
from normlab.spec.model import Model
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.study.source import source_of
from normlab.study.twins import build_arm, shared_tensors
from normlab.train.run import Run
from normlab.train.run_config import RunConfig
from timing import append_json, live_as_workers_do, parser_for, pin, table

SEEDS = 5
FIRST = "full, first seed"
KINDS: dict[str, Measure] = {
    "none": "none",
    "light": "light",
    "full": "full",
    FIRST: "full",
}


def main() -> None:
    parser = parser_for(__doc__)
    parser.add_argument("--net", default="mlp")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=60_000, help="for training")
    parser.add_argument("--norms", default="none,batch")
    parser.add_argument("--core", type=int, default=0)
    options = parser.parse_args()
    live_as_workers_do()
    pin(options.core)
    torch.set_num_threads(1)
    taken: dict[str, dict[str, float]] = {}
    with TemporaryDirectory() as folder:
        for norm in options.norms.split(","):
            taken[norm] = seconds_of(options, norm, Path(folder))
    rows = [[norm, *ratios(seconds)] for norm, seconds in taken.items()]
    whole = {kind: sum(arm[kind] for arm in taken.values()) for kind in KINDS}
    study = ((SEEDS - 1) * whole["full"] + whole[FIRST]) / SEEDS / whole["none"]
    rows.append([f"study of {SEEDS} seeds", "", "", f"{study:.3f}", ""])
    print(table(["seconds over seconds without probes", *KINDS], rows))
    append_json(options.json, "probes", {"seconds": taken, "study": study})


def ratios(seconds: dict[str, float]) -> list[str]:
    """Of each kind over those without probes."""
    return [f"{seconds[kind] / seconds['none']:.3f}" for kind in KINDS]


def seconds_of(
    options: argparse.Namespace, norm: str, folder: Path
) -> dict[str, float]:
    """Processor time of each kind of run, of one arm."""
    seconds = dict.fromkeys(KINDS, 0.0)
    turns = {
        kind: blocks(options, norm, measure, folder / norm if kind == FIRST else None)
        for kind, measure in KINDS.items()
    }
    while turns:
        for kind in list(turns):
            began = time.process_time()
            goes_on = next(turns[kind], False)
            seconds[kind] += time.process_time() - began
            if not goes_on:
                del turns[kind]
    return seconds


def blocks(
    options: argparse.Namespace, norm: str, measure: Measure, folder: Path | None
) -> Iterator[bool]:
    """Train a run to its end, with a stop after each block of steps."""
    dataset = load(Data(), root=Path())
    some = torch.arange(options.images).numpy()
    dataset = replace(dataset, train=dataset.train.chosen(some))
    config = RunConfig(
        key=RunKey(norm, 0.01, 0),
        recipe=Recipe(epochs=options.epochs),
        dataset=dataset,
        device=torch.device("cpu"),
    )
    source = source_of(Model(name=options.net), root=Path(), given=None)
    model, plain = (
        build_arm(
            source,
            Arm(name=arm, norm=arm),
            seed=0,
            shape=dataset.shape,
            classes=len(dataset.classes),
        )
        for arm in (norm, "none")
    )
    shared = shared_tensors([plain, model])
    looking = observers(measure, model, config, shared=shared, snapshots=folder)
    for event in Run(model, config, observers=looking).events():
        if isinstance(event, Steps):
            yield True


if __name__ == "__main__":
    main()
