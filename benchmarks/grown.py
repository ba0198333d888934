"""A study folder of as many runs as asked for, made of a few runs that were trained.

Every arm is trained from a few seeds on little data; what these runs reported is then
repeated to the project's own conductor as if workers said it, under other seeds, rates,
points and arms. So the folder is what `normlab run` would have made of as many runs,
but for its numbers: they repeat. Never draw conclusions about norms from it.

    python benchmarks/grown.py OUT --runs 10000
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from normlab.records.events import (
    Diverged,
    EpochDone,
    Event,
    Finished,
    Started,
    Steps,
)
from normlab.records.rows import RunRecord
from normlab.spec.arms import Arm
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec
from normlab.study import api
from normlab.study.messages import JobEnded, JobStarted, Message
from normlab.terminal.lines import Lines

if TYPE_CHECKING:
    from normlab.study.jobs import Job

TRAINED = 8  # seeds of each arm; the others repeat them
NORMS = ("none", "batch")
FLOATS = np.random.default_rng(0)  # data; any will do
SETTINGS = ("recipe.batch_size=32", "model.width=16", "measure=none")


@dataclass(frozen=True, kw_only=True)
class Size:
    """Of a study; the product of its first numbers is that of its runs."""

    seeds: int
    rates: int = 1
    refine: int = 0
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
            f"recipe.refine={self.refine}",
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


class Grown(NamedTuple):
    """What it took to conduct a study."""

    runs: int  # those that were refined too
    seconds: float  # of processors


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
) -> tuple[dict[str, list[RunRecord]], list[Path]]:
    """A few runs of each norm at the study's first rate, and their networks."""
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
    record = api.run(small, folder / "trained").record
    runs = {norm: [one for one in record.runs if one.key.arm == norm] for norm in NORMS}
    return runs, sorted(folder.glob("trained/arrays/*/network.safetensors"))


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


class Replay:
    """An executor that repeats, for each run, what one that was trained reported.

    Args:
        spec: The study.
        of: By norm the runs that were trained.
        network: A trained network; each run leaves a copy.
    """

    def __init__(
        self, spec: StudySpec, of: dict[str, list[RunRecord]], network: Path
    ) -> None:
        self._norms = {arm.name: arm.norm for arm in spec.arms}
        self._places = {rate: i for i, rate in enumerate(spec.recipe.rates)}
        self._of = of
        self._network = network.read_bytes()
        self._jobs: deque[Job] = deque()

    def submit(self, job: Job, *, urgent: bool = False) -> None:
        """Queue a job."""
        (self._jobs.appendleft if urgent else self._jobs.append)(job)

    def messages(self) -> Iterator[tuple[Job, Message]]:
        """What workers would say."""
        from normlab.study.jobs import TrainJob

        while self._jobs:
            job = self._jobs.popleft()
            assert isinstance(job, TrainJob)
            templates = self._of[self._norms[job.key.arm]]
            # twins take the same; 7 and 16 share no factor, so that rates differ
            place = job.key.seed + 7 * self._places.get(job.key.rate, 0)
            yield job, JobStarted()
            for event in events(templates[place % len(templates)], job.key.seed):
                yield job, event
            job.network.parent.mkdir(parents=True)
            job.network.write_bytes(self._network)
            yield job, JobEnded()

    def close(self) -> None:
        """There is nothing to stop."""


def grow(out: Path, size: Size) -> Grown:
    """Make the study as `normlab run` does, but for the workers."""
    # here, for it imports torch, and whoever measures memory imports this file
    from normlab.study.prepare import PythonParts, prepare

    with tempfile.TemporaryDirectory() as folder:
        spec = size.spec(data_file(Path(folder)))
        runs, networks = trained(spec, size, Path(folder))
        prepared = prepare(spec, root=Path(), python=PythonParts())
        executor = Replay(spec, runs, networks[0])
        began = time.process_time()
        with Path(os.devnull).open("w") as nobody, redirect_stdout(nobody):
            made = api._begun(prepared, out, executor, Lines())
        return Grown(len(made.record.runs), time.process_time() - began)


def main() -> None:
    """Make one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=1000, help="at least")
    parser.add_argument("--rates", type=int, default=5)
    parser.add_argument("--arms", type=int, default=2)
    parser.add_argument("--refine", type=int, default=0)
    parser.add_argument("--points", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--layers", type=int, default=1, help="hidden ones")
    given = parser.parse_args()
    of_a_seed = given.rates * given.arms * given.points
    size = Size(
        seeds=max(1, -(-given.runs // of_a_seed)),
        refine=given.refine,
        rates=given.rates,
        arms=given.arms,
        points=given.points,
        epochs=given.epochs,
        layers=given.layers,
    )
    made = grow(given.out, size)
    each = f"{1e3 * made.seconds / made.runs:.2f} ms of processor time each"
    print(f"{size}: {made.runs:,} runs, {each}")


if __name__ == "__main__":
    main()
