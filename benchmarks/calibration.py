"""A/A calibration of the claims: python benchmarks/calibration.py [--train].

With --train a pool of real runs is trained first (64 runs of the article's plain
network on 6,400 MNIST images, two minutes on two cores) and kept; without it, the
kept pool is used. Draws studies of two equal arms and counts false verdicts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from normlab.analysis.calibration import calibrate, most
from normlab.analysis.pool import read_pool, write_pool
from normlab.records.rows import RunRecord

ROOT = Path(__file__).resolve().parents[1]
POOL = ROOT / "tests" / "analysis" / "data" / "pool.npz"
RESULT = ROOT / "benchmarks" / "results" / "calibration.json"
RUNS, TRAIN, TEST, EPOCHS = 64, 6400, 2000, 4
SEEDS, STUDIES = (3, 5, 10), 1000


def trained() -> tuple[RunRecord, ...]:
    """Train the pool: one arm, every seed, on a part of MNIST."""
    from normlab.data.load import load
    from normlab.spec.arms import Arm
    from normlab.spec.data import Data
    from normlab.spec.recipe import Recipe
    from normlab.spec.study import StudySpec
    from normlab.study.api import run

    mnist = load(Data(source="mnist"))
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder, "part.npz")
        np.savez(
            part,
            x_train=mnist.train.images[:TRAIN, 0],
            y_train=mnist.train.labels[:TRAIN],
            x_test=mnist.test.images[:TEST, 0],
            y_test=mnist.test.labels[:TEST],
        )
        spec = StudySpec(
            experiment="calibration",
            data=Data(source=str(part)),
            arms=(Arm(name="none", norm="none"),),
            recipe=Recipe(epochs=EPOCHS),
            seeds=tuple(range(RUNS)),
            measure="none",
        )
        return run(spec, Path(folder, "study")).record.runs


def main() -> None:
    """Train if asked to, calibrate, print and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", action="store_true", help="train the pool anew")
    if parser.parse_args().train:
        write_pool(POOL, trained())
    pool = read_pool(POOL)
    rows = [row for n in SEEDS for row in calibrate(pool, seeds=n, studies=STUDIES)]
    limit = most(STUDIES) / STUDIES
    print(
        f"{len(pool)} runs, {STUDIES} studies of each size; at most {limit:.1%} may err"
    )
    for row in rows:
        false, missed = row.false / row.studies, row.missed / max(row.intervals, 1)
        print(
            f"{row.claim:20} {row.seeds:3} seeds: {false:6.1%} false verdicts, "
            f"{missed:6.1%} of the intervals miss: {'good' if row.good else 'TOO MANY'}"
        )
    RESULT.parent.mkdir(exist_ok=True)
    kept = {
        "pool": {"runs": RUNS, "train": TRAIN, "test": TEST, "epochs": EPOCHS},
        "limit": limit,
        "claims": [{**asdict(row), "good": row.good} for row in rows],
    }
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
