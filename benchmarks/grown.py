"""A study folder of as many runs as asked for, made of a few runs that were trained.

Every arm is trained from a few seeds on little data; what these runs reported is then
written again, by the project's own writer, under other seeds, rates, points and arms.
So the folder is what `normlab run` would have made of as many runs, but for its
numbers: they repeat. Never draw conclusions about norms from it.

    python benchmarks/grown.py OUT --runs 10000
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from normlab.records.events import (
    Diverged,
    EpochDone,
    Event,
    Finished,
    Started,
    Steps,
)
from normlab.records.folder import StudyFolder
from normlab.records.rows import RunRecord
from normlab.records.writer import Writer
from normlab.spec.arms import Arm
from normlab.spec.plan import plan
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec
from normlab.study.api import run

TRAINED = 8  # seeds of each arm; the others repeat them
NORMS = ("none", "batch")
FLOATS = np.random.default_rng(0)  # data; any will do
SETTINGS = ("recipe.batch_size=32", "model.width=16", "measure=none")


@dataclass(frozen=True, kw_only=True)
class Size:
    """Of a study; the product of its first numbers is that of its runs."""

    seeds: int
    rates: int = 1
    arms: int = 2
    points: int = 1
    epochs: int = 5
    layers: int = 1
    """Hidden ones."""

    @property
    def settings(self) -> list[str]:
        """Those of every run."""
        of_run = [f"recipe.epochs={self.epochs}", f"model.depth={self.layers}"]
        return [*SETTINGS, *of_run]

    def spec(self, data: Path) -> StudySpec:
        """The study: the first arm has no norm, all others batch norm."""
        given = [
            *self.settings,
            f"data.source={data}",
            f"recipe.rates={np.geomspace(0.01, 100, self.rates).round(6).tolist()}",
            f"seeds={list(range(self.seeds))}",
        ]
        arms = [Arm(name="none", norm="none")]
        arms += [
            Arm(name="batch" if i == 1 else f"batch{i}", norm="batch")
            for i in range(1, self.arms)
        ]
        spec = with_settings(StudySpec(), given)
        swept = {"recipe.weight_decay": [0.001 * i for i in range(self.points)]}
        sweep = {"sweep": swept} if self.points > 1 else {}
        return StudySpec(**{**spec.model_dump(by_alias=True), "arms": arms, **sweep})


def data_file(folder: Path) -> Path:
    """Noisy blobs of four classes: 640 images to train on, 200 held out, 400 to test.

    That many are few enough to train in a second and enough for every measure.
    """
    file = folder / "blobs.npz"
    centres = FLOATS.normal(size=(4, 1, 8, 8))
    parts = {}
    for part, images in (("train", 840), ("test", 400)):
        labels = np.arange(images) % 4
        noise = FLOATS.normal(scale=4.0, size=(images, 1, 8, 8))
        parts[f"{part}_images"] = (centres[labels] + noise).astype(np.float32)
        parts[f"{part}_labels"] = labels
    np.savez(file, **parts)
    return file


def trained(
    spec: StudySpec, size: Size, folder: Path
) -> tuple[dict[str, list[RunRecord]], dict]:
    """A few runs of each norm at the study's first rate, and the study's facts."""
    rates = [spec.recipe.rates[0], 0.9 * spec.recipe.rates[0]]
    small = with_settings(
        StudySpec(),
        [
            *size.settings,
            f"data.source={spec.data.source}",
            f"recipe.rates={rates}",
            f"seeds={list(range(TRAINED))}",
            "data.validation=200",
        ],
    )
    record = run(small, folder / "trained").record
    runs = {norm: [one for one in record.runs if one.key.arm == norm] for norm in NORMS}
    return runs, {k: v for k, v in record.meta.items() if k in ("classes", "data")}


def events(run: RunRecord, seed: int) -> Iterator[Event]:
    """What a run reported, as far as the records keep it; digests are the seed's."""
    start = f"{seed:016x}"
    yield Started(
        parameters=run.parameters or 0,
        init_digest=start,
        tensor_digests=dict.fromkeys(run.tensor_digests, start),
    )
    done = len(run.epochs)
    parts = np.array_split(run.step_losses, done) if done else []
    for row, losses in zip(run.epochs, parts, strict=True):
        first = 1 + (row.epoch - 1) * losses.size
        yield Steps(first=first, losses=losses, seconds=run.step_seconds / done)
        yield EpochDone(
            epoch=row.epoch,
            train_loss=row.train_loss,
            test_loss=row.test_loss,
            test_accuracy=row.test_accuracy,
            metrics=row.metrics,
            seconds=row.seconds,
            batch_digest=start,
        )
    if run.status == "diverged":
        yield Diverged(step=run.diverged_step or 1, correct=run.correct)
        return
    yield Finished(batch_digest=start, correct=run.correct, seconds=run.seconds or 0.0)


def write_all(writer: Writer, spec: StudySpec, of: dict[str, list[RunRecord]]) -> float:
    """Write every run of the plan; seconds of processor time."""
    norms = {arm.name: arm.norm for arm in spec.arms}
    places = {rate: i for i, rate in enumerate(spec.recipe.rates)}
    began = time.process_time()
    writer.add_runs(plan(spec))
    for key in plan(spec):
        writer.status(key, "running")
        templates = of[norms[key.arm]]
        # twins take the same; 7 and 16 share no factor, so that rates differ
        template = templates[(key.seed + 7 * places[key.rate]) % len(templates)]
        for event in events(template, key.seed):
            writer.event(key, event)
    return time.process_time() - began


def grow(out: Path, size: Size) -> float:
    """Make the study; seconds of processor time that writing took."""
    with tempfile.TemporaryDirectory() as folder:
        spec = size.spec(data_file(Path(folder)))
        runs, meta = trained(spec, size, Path(folder))
        study = StudyFolder.create(out, spec, meta)
        with study.write() as writer:
            return write_all(writer, spec, runs)


def main() -> None:
    """Make one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=1000, help="at least")
    parser.add_argument("--rates", type=int, default=5)
    parser.add_argument("--arms", type=int, default=2)
    parser.add_argument("--points", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--layers", type=int, default=1, help="hidden ones")
    given = parser.parse_args()
    of_a_seed = given.rates * given.arms * given.points
    size = Size(
        seeds=max(1, -(-given.runs // of_a_seed)),
        rates=given.rates,
        arms=given.arms,
        points=given.points,
        epochs=given.epochs,
        layers=given.layers,
    )
    seconds = grow(given.out, size)
    print(f"{size}: {seconds:.1f} s of processor time to write")


if __name__ == "__main__":
    main()
