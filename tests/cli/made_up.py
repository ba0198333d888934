"""A small study folder with invented numbers, written as a real one would be."""

from __future__ import annotations

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
from normlab.spec.plan import RunKey, plan
from normlab.spec.recipe import Recipe
from normlab.spec.study import StudySpec
from tests.records.studies import new_study

EPOCH = 40  # steps
SPEC = StudySpec(recipe=Recipe(epochs=2), seeds=(0, 1, 2), measure="none")


def events(key: RunKey, *, epochs: int = 2) -> list[Event]:
    """What a run that learns reports; batch learns a little faster."""
    steps = np.arange(epochs * EPOCH)
    speed = (0.05 if key.arm == "batch" else 0.04) + 0.002 * key.seed
    wiggle = 1 + 0.05 * np.sin(steps * (3 + key.seed))
    losses = (2.3 * np.exp(-speed * steps) * wiggle + 0.02).astype(np.float32)
    reports: list[Event] = [
        Started(
            parameters=537_354,
            init_digest=f"ab{key.seed}",
            tensor_digests=dict.fromkeys("wb", f"{key.seed}"),
        )
    ]
    for epoch in range(1, epochs + 1):
        block = losses[(epoch - 1) * EPOCH : epoch * EPOCH]
        first = (epoch - 1) * EPOCH + 1
        reports.append(Steps(first=first, losses=block, seconds=1.5))
        # a slice of the images, a little harder than all of them
        slice_ = accuracy(epoch, key) - 0.01
        reports.append(InterimEval(step=epoch * EPOCH, loss=0.3, accuracy=slice_))
        reports.append(_end(epoch, key, float(block.mean())))
    # the images that are right add up to the accuracy of the last epoch
    right = np.arange(1000) < round(1000 * accuracy(epochs, key))
    reports.append(Finished(batch_digest="cd34", correct=right, seconds=4.0))
    return reports


def accuracy(epoch: int, key: RunKey) -> float:
    """Batch is ahead, by more from each seed to the next.

    Seeds differ more than images do, so that what is shown is the t interval: resampled
    images may differ in the last digit from one processor to another.
    """
    ahead = 0.004 + 0.004 * key.seed if key.arm == "batch" else 0.0
    return 0.9 + 0.03 * epoch + 0.002 * key.seed + ahead


def _end(epoch: int, key: RunKey, loss: float) -> EpochDone:
    return EpochDone(
        epoch=epoch,
        train_loss=loss,
        test_loss=loss * 1.1,
        test_accuracy=accuracy(epoch, key),
        seconds=2.0,
        batch_digest=f"{key.seed}{epoch}",
    )


def study(
    path: Path, spec: StudySpec = SPEC, *, finished: int | None = None
) -> StudyFolder:
    """Write a study; of its runs, the first `finished` (all if None) are done."""
    meta = {"created": "2026-01-02T03:04:05+00:00", "normlab": "0.1.0"}
    folder = new_study(path, spec, meta)
    keys = plan(spec)
    with folder.write() as writer:
        writer.add_runs(keys)
        for key in keys[:finished]:
            writer.status(key, "running")
            for event in events(key, epochs=spec.recipe.epochs):
                writer.event(key, event)
        if finished is None:
            writer.meta("finished", "2026-01-02T03:14:05+00:00")
    return folder
