"""What probes cost: runs with `full` and `light` against `none`, step by step.

All runs train the same network on the same batches in one process and take turns in
blocks of the same steps, so that what looks happen in a block is paid for there. The
ratio of the sums over the whole training is the cost.
"""

from __future__ import annotations

import argparse
import os
import sys
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
from normlab.train.run import Course, Run
from timing import append_json, parser_for, pin, table

MEASURES: tuple[Measure, ...] = ("none", "light", "full")
# As workers are started: study/executor.py says why.
MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(512 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
}


def main() -> None:
    parser = parser_for(__doc__)
    parser.add_argument("--net", default="mlp")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=60_000, help="for training")
    parser.add_argument("--norms", default="none,batch")
    parser.add_argument("--core", type=int, default=0)
    options = parser.parse_args()
    if not MEMORY.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **MEMORY})
    pin(options.core)
    torch.set_num_threads(1)
    rows = []
    with TemporaryDirectory() as folder:
        for norm in options.norms.split(","):
            costs = cost(options, norm, Path(folder))
            rows.append([norm, *(f"{costs[measure]:.3f}" for measure in MEASURES)])
            append_json(options.json, "probes", {"arm": norm, **costs})
    print(table(["seconds over seconds without probes", *MEASURES], rows))


def cost(options: argparse.Namespace, norm: str, folder: Path) -> dict[Measure, float]:
    """Seconds of each measure over those of `none`, of one arm."""
    seconds = dict.fromkeys(MEASURES, 0.0)
    turns = {m: blocks(options, norm, m, folder / norm) for m in MEASURES}
    while turns:
        for measure in list(turns):
            began = time.process_time()
            goes_on = next(turns[measure], False)
            seconds[measure] += time.process_time() - began
            if not goes_on:
                del turns[measure]
    return {measure: seconds[measure] / seconds["none"] for measure in MEASURES}


def blocks(
    options: argparse.Namespace, norm: str, measure: Measure, folder: Path
) -> Iterator[bool]:
    """Train a run to its end, with a stop after each block of steps."""
    dataset = load(Data(), root=Path())
    some = torch.arange(options.images).numpy()
    dataset = replace(dataset, train=dataset.train.chosen(some))
    course = Course(
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
    looking = observers(measure, model, course, shared=shared, snapshots=folder)
    for event in Run(model, course, observers=looking).events():
        if isinstance(event, Steps):
            yield True


if __name__ == "__main__":
    main()
