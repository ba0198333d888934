"""Train the pool that the calibration draws its studies from.

One arm, the multilayer perceptron with two hidden layers of 32 and no norm, on 6,400
MNIST images: small, so that many seeds are affordable; 800 steps, so that every
measure exists.

- 64 seeds, 4 epochs of 200 steps, everything observed;
- the same 64 starts once more with the images in another order, so that the batches
  are other ones; each pair on the plane through its start and its ends, as a study
  measures twins, with either of them as the baseline;
- 64 seeds at seven learning rates, one epoch of 100 steps each: at the smaller rates
  the networks train, at some of them in part, at the largest some of them diverge.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from normlab.calibration.pool import AGAIN, ARM, Bowls, Pool
from normlab.data.load import load
from normlab.facade.result import Result
from normlab.records.observed.observations import Observations
from normlab.records.observed.registry import PROBES
from normlab.records.rows import RunRecord
from normlab.records.surface import StudySurface, Surface
from normlab.spec.arms import Arm
from normlab.spec.data import Data
from normlab.spec.model import Model
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.spec.study import StudySpec
from normlab.study.api import run
from normlab.study.jobs import JobContext
from normlab.study.source import BuiltIn
from normlab.study.surface_job import SurfaceJob

SEEDS, TRAIN, TEST = tuple(range(64)), 6400, 2000
RATES = (0.05, 0.1, 0.12, 0.14, 0.17, 0.2, 6.0)
MODEL = Model(depth=2, width=32)
BASELINE = Arm(name=ARM, norm="none")


def trained() -> Pool:
    """Train and measure all of it."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        _write_data(home)
        recipe = Recipe(epochs=4, batch_size=32)
        first = run(_spec(home / "part.npz", recipe), home / "first")
        again = run(_spec(home / "shuffled.npz", recipe, "none"), home / "again")
        # rates are chosen by nobody, so nothing is held out
        rates = Recipe(epochs=1, rates=RATES)
        ladders = run(_spec(home / "part.npz", rates, "none"), home / "rates")
        # what was observed is read while its files are there
        runs = [replace(one, observed=_read(one)) for one in first.record.runs]
        return Pool(
            runs=tuple(runs),
            bowls=tuple(_bowls(home, first, again)),
            ladders=_by_seed(ladders),
        )


def _read(one: RunRecord) -> Observations:
    return Observations(*(one.observed[k] for k in PROBES if k in one.observed))


def _write_data(home: Path) -> None:
    mnist = load(Data(source="mnist"))
    test = {
        "x_test": mnist.test.images[:TEST, 0],
        "y_test": mnist.test.labels[:TEST],
    }
    images, labels = mnist.train.images[:TRAIN, 0], mnist.train.labels[:TRAIN]
    order = np.random.default_rng(0).permutation(TRAIN)
    np.savez(home / "part.npz", x_train=images, y_train=labels, **test)
    np.savez(
        home / "shuffled.npz", x_train=images[order], y_train=labels[order], **test
    )


def _spec(data: Path, recipe: Recipe, measure: str = "full") -> StudySpec:
    return StudySpec.model_validate(
        {
            "experiment": "calibration",
            "data": Data(source=str(data), validation=0),
            "model": MODEL,
            "arms": (BASELINE,),
            "recipe": recipe,
            "seeds": SEEDS,
            "measure": measure,
        }
    )


def _bowls(home: Path, first: Result, again: Result) -> Iterator[tuple[Bowls, Bowls]]:
    """What a study would measure on these twins, with either as the baseline."""
    spec = first.record.spec.model_copy(
        update={"arms": (BASELINE, Arm(name=AGAIN, norm="none"))}
    )
    dataset = load(spec.data)
    dataset.save(home / "data")
    context = JobContext(
        spec=spec,
        source=BuiltIn(MODEL),
        data=home / "data",
        live=None,
        shared=tuple(first.record.runs[0].tensor_digests),
        device="cpu",
    )
    starts = [r.init_digest for r in first.record.runs]
    assert starts == [r.init_digest for r in again.record.runs]
    for key in (r.key for r in first.record.runs):
        folders = [home / name / "arrays" / key.id for name in ("first", "again")]
        yield (
            _measured(home / f"bowl-{key.seed}", context, key, folders),
            _measured(home / f"bowl-{key.seed}-swapped", context, key, folders[::-1]),
        )


def _measured(home: Path, context: JobContext, key: RunKey, runs: list[Path]) -> Bowls:
    keys = [key._replace(arm=arm) for arm in (ARM, AGAIN)]
    for folder, there in zip(runs, keys, strict=True):
        (home / there.id).mkdir(parents=True)
        (home / there.id / "network.safetensors").symlink_to(
            folder / "network.safetensors"
        )
    return Bowls(*(_surface(context, home, there) for there in keys))


def _surface(context: JobContext, arrays: Path, key: RunKey) -> Surface:
    job = SurfaceJob(
        context=context,
        arrays=arrays,
        unfinished=arrays / "unfinished",
        kind="bowl",
        run=key,
        twin=AGAIN,
    )
    events: list[object] = []
    job.perform(events.append)
    # on a slow machine cells are told on the way too
    (found,) = (event for event in events if isinstance(event, StudySurface))
    return found.surface


def _by_seed(ladders: Result) -> tuple:
    runs = sorted(ladders.record.runs, key=lambda r: (r.key.seed, r.key.rate))
    return tuple(tuple(ladder) for _, ladder in groupby(runs, key=lambda r: r.key.seed))
