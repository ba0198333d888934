"""Invented studies whose effects are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from normlab.records.rows import EpochRow, RunRecord, StudyRecord
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.spec.study import StudySpec

STEPS, EPOCHS, IMAGES = 400, 2, 2000


def noisy_curve(
    stream: np.random.Generator,
    *,
    steps: int = STEPS,
    speed: float = 1.0,
    noise: float = 0.2,
) -> NDArray[np.float32]:
    """A loss that falls like a power of the step under autocorrelated noise."""
    shocks = lfilter([1.0], [1.0, -0.3], stream.normal(size=steps))
    fall = 1.2 * np.log1p(np.arange(steps) * speed / 10)
    return np.exp(0.8 - fall + noise * shocks).astype(np.float32)


def run(
    key: RunKey,
    *,
    accuracy: float = 0.98,
    speed: float = 1.0,
    noise: float = 0.2,
    stream: np.random.Generator | None = None,
    correct: NDArray[np.bool_] | None = None,
) -> RunRecord:
    """A run that is done, with digests that depend on the seed alone."""
    losses = noisy_curve(
        stream or np.random.default_rng(key.seed), speed=speed, noise=noise
    )
    return RunRecord(
        key=key,
        label={"none": "without batch norm", "batch": "with batch norm"}.get(
            key.arm, ""
        ),
        status="done",
        parameters=10,
        init_digest=f"init{key.seed}",
        batch_digest=f"batches{key.seed}-{EPOCHS}",
        tensor_digests={"w": f"w{key.seed}", "v": f"v{key.seed}"},
        epochs=tuple(
            EpochRow(
                epoch=epoch + 1,
                train_loss=float(block.mean()),
                test_loss=0.07,
                test_accuracy=accuracy,
                metrics={},
                seconds=1.0,
                batch_digest=f"batches{key.seed}-{epoch + 1}",
            )
            for epoch, block in enumerate(np.split(losses, EPOCHS))
        ),
        step_losses=losses,
        step_seconds=2.0,
        correct=correct,
        test_loss=0.07,
        test_accuracy=accuracy,
    )


def study(
    runs: Sequence[RunRecord], *, arms: Sequence[str] = ("none", "batch"), **meta: str
) -> StudyRecord:
    """The study that these runs belong to."""
    seeds = tuple(dict.fromkeys(run.key.seed for run in runs))
    rates = tuple(dict.fromkeys(run.key.rate for run in runs))
    spec = StudySpec(
        arms=tuple(arms), seeds=seeds, recipe=Recipe(rates=rates, epochs=EPOCHS)
    )
    return StudyRecord(spec=spec, meta={"classes": "10", **meta}, runs=tuple(runs))


def twins_study(
    seeds: int, other: Callable[[int], dict[str, Any]], *, rate: float = 0.01
) -> StudyRecord:
    """A `none` and a `batch` run per seed; the latter with settings of its own."""
    return study(
        [
            made
            for seed in range(seeds)
            for made in (
                run(RunKey("none", rate, seed)),
                run(RunKey("batch", rate, seed), **other(seed)),
            )
        ]
    )


def accuracy_study(differences: Sequence[float], images: int = 10_000) -> StudyRecord:
    """Twins whose accuracies differ by exactly these fractions, as if on all images.

    So many images that they resolve the margin, and add no uncertainty.
    """
    alike = np.ones(images, bool)
    record = twins_study(
        len(differences), lambda seed: {"accuracy": 0.98 + differences[seed]}
    )
    runs = tuple(replace(made, correct=alike) for made in record.runs)
    return replace(record, runs=runs)


def changed(record: StudyRecord, key: RunKey, **changes: Any) -> StudyRecord:
    """The study with one run altered."""
    runs = (replace(r, **changes) if r.key == key else r for r in record.runs)
    return replace(record, runs=tuple(runs))


def swapped(record: StudyRecord) -> StudyRecord:
    """The study with the runs of both arms exchanged."""
    names = {"none": "batch", "batch": "none"}
    runs = (replace(r, key=r.key._replace(arm=names[r.key.arm])) for r in record.runs)
    return replace(record, runs=tuple(runs))
