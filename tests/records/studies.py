"""Small made-up runs, reported event by event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from normlab.records.events import (
    EpochDone,
    Event,
    Finished,
    InterimEval,
    Started,
    Steps,
)
from normlab.records.folder import StudyFolder
from normlab.records.writer import Writer
from normlab.spec.plan import RunKey, plan
from normlab.spec.recipe import Recipe
from normlab.spec.study import StudySpec

EPOCHS = 3
STEPS = 10  # of an epoch
SPEC = StudySpec(seeds=(0, 1), recipe=Recipe(epochs=EPOCHS))


def new_study(
    path: Path, spec: StudySpec, meta: Mapping[str, str] | None = None
) -> StudyFolder:
    """A new study in this folder, without runs."""
    with StudyFolder.begin(path, spec, meta) as folder:
        return folder


def made(path: Path) -> StudyFolder:
    """A new study with its four runs queued."""
    folder = new_study(path, SPEC, {"data_digest": "d"})
    with folder.write() as writer:
        writer.add_runs(plan(SPEC))
    return folder


def loss(key: RunKey, step: int) -> float:
    return 1 / step + key.seed + (0.5 if key.arm == "none" else 0.0)


def reported(key: RunKey, *, after: int = 0) -> Iterator[Event]:
    """What the run `key` reports when it goes on from the end of epoch `after`."""
    yield Started(parameters=7, init_digest="i", tensor_digests={"w": "t"})
    for epoch in range(after + 1, EPOCHS + 1):
        start = (epoch - 1) * STEPS
        for first in (start + 1, start + 7):
            last = min(first + 5, start + STEPS)
            losses = np.array([loss(key, s) for s in range(first, last + 1)], "f4")
            yield Steps(first=first, losses=losses, seconds=0.5)
        yield InterimEval(step=epoch * STEPS, loss=0.3, accuracy=0.9)
        yield epoch_done(epoch)
    yield Finished(batch_digest=f"b{EPOCHS}", correct=CORRECT, seconds=4.0)


def epoch_done(epoch: int) -> EpochDone:
    return EpochDone(
        epoch=epoch,
        train_loss=1 / epoch,
        test_loss=2 / epoch,
        test_accuracy=1 - 0.1 / epoch,
        metrics={"validation_loss": 0.2},
        seconds=1.5,
        batch_digest=f"b{epoch}",
    )


CORRECT = np.array([True, False, True, True, False, True, True, True, False, True])


def finish(writer: Writer, key: RunKey) -> None:
    for event in reported(key):
        writer.event(key, event)


def finished(path: Path) -> StudyFolder:
    """A study with all its runs done."""
    folder = made(path)
    with folder.write() as writer:
        for key in plan(SPEC):
            finish(writer, key)
    return folder
