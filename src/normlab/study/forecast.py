"""What a study will take: time, memory and disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from normlab.errors import RunFailed
from normlab.probes.schedule import MAX_SNAPSHOTS
from normlab.records.events import Failed
from normlab.records.levels import LEVELS
from normlab.spec.plan import RunKey, plan
from normlab.spec.point import SweepPoint
from normlab.study.afterwards import PER_EXAMPLE
from normlab.study.ahead import SURVEY, expected, longer, stages_ahead
from normlab.study.executor import Executor
from normlab.study.jobs import JobContext
from normlab.study.listener import Workload
from normlab.study.messages import Lost, Measured
from normlab.study.pace import workers_of
from normlab.study.prepare import Prepared, Variant, told_apart
from normlab.study.progress import Progress
from normlab.study.rehearsal import RehearsalJob, Rehearsed
from normlab.study.stages import Stage
from normlab.study.surface_job import SurfaceJob

REPORT = "the report"
DRAWING = {"full": 5.0, "light": 4.0, "none": 3.0}  # seconds, on a machine of 2024
POINTS = 8  # of a sweep, at most; others are taken to be as the mean of these


class Forecast(NamedTuple):
    """What a study is expected to take."""

    training: float
    """Seconds."""
    after: dict[str, float]
    """Seconds of each stage that follows it, by name."""
    memory: int
    """Bytes of each worker."""
    kept: int
    """Bytes on disk when it has ended."""
    passing: int
    """More bytes on disk that are needed on the way."""
    remedy: str
    """Where what follows training takes longer: that, and how to leave it out."""


def forecast(prepared: Prepared, executor: Executor, data: Path) -> Forecast:
    """Time every arm, and add up what the study does.

    Args:
        prepared: The study.
        executor: Computes the rehearsals.
        data: An empty folder for the data, as workers map them.

    Raises:
        RunFailed: A rehearsal fails, as the runs would.
    """
    prepared.dataset.save(data)
    contexts, spec = prepared.contexts(data), prepared.spec
    same: dict[object, list[SweepPoint]] = {}
    for point, variant in prepared.variants.items():
        same.setdefault(told_apart(variant.spec), []).append(point)
    tried = [points[0] for points in _spread([*same.values()])]
    for point in tried:
        for arm in spec.arms:
            key = RunKey(arm.name, spec.recipe.rates[0], spec.seeds[0], point)
            executor.submit(RehearsalJob(context=contexts[point], key=key))
    found = _rehearsed(executor)
    steps = {p: v.batches.steps_per_epoch for p, v in prepared.variants.items()}
    progress = Progress()
    stages = stages_ahead(contexts, prepared.variants)
    progress.began(Workload(spec, plan(spec), steps, {}, stages=stages))
    for (arm, point), trial in found.items():
        for alike in next(points for points in same.values() if point in points):
            each = trial.run / (steps[alike] * spec.recipe.epochs)
            progress.paced(arm, alike, each=each, step=trial.step)
    after = {s.name: s.seconds(progress.step_seconds(s.point) or 0.0) for s in stages}
    kept, passing = _on_disk(prepared, found)
    training = (progress.seconds_left() or 0.0) - sum(after.values())
    point, context = next(iter(contexts.items()))
    if SURVEY in after:
        here = {arm: trial for (arm, at), trial in found.items() if at == tried[0]}
        after[SURVEY] = _survey(context, prepared.variants[point], here)
    after[REPORT] = DRAWING[spec.measure]
    long = after.get(SURVEY, 0.0) > training
    return Forecast(
        training=training,
        after=after,
        memory=max(trial.memory for trial in found.values()),
        kept=kept,
        passing=passing,
        remedy=longer(context, prepared.variants[point]) if long else "",
    )


def _survey(
    context: JobContext, variant: Variant, found: Mapping[str, Rehearsed]
) -> float:
    """Seconds of surfaces and what else follows, by what each arm was seen to take.

    Args:
        context: At the point of the sweep that is shown.
        variant: Likewise.
        found: By arm.
    """
    n, size = variant.batches.n, min(variant.batches.batch_size, variant.batches.n)
    work: dict[str, float] = {}
    for job in expected(context, ()):
        trial = found[job.run.arm]
        if isinstance(job, SurfaceJob) and trial.surface is not None:
            once, each = trial.surface
            work[job.name] = once + each * job.work(n)
        else:
            work[job.name] = trial.step * job.work(n) / (PER_EXAMPLE * size)
    workers = workers_of(variant.spec.execution)
    return Stage(name=SURVEY, work=work, workers=workers).seconds(1.0)


def _spread(groups: list[list[SweepPoint]]) -> Iterator[list[SweepPoint]]:
    places = np.linspace(0, len(groups) - 1, min(POINTS, len(groups))).round()
    return (groups[int(place)] for place in places)


def _rehearsed(executor: Executor) -> dict[tuple[str, SweepPoint], Rehearsed]:
    found = {}
    for job, message in executor.messages():
        if isinstance(message, Failed | Lost):
            raise RunFailed(f"{job.label} failed: {message.reason}")
        if isinstance(job, RehearsalJob) and isinstance(message, Measured):
            found[job.key.arm, job.key.point] = Rehearsed(**message.value)
    return found


def _on_disk(
    prepared: Prepared, found: dict[tuple[str, SweepPoint], Rehearsed]
) -> tuple[int, int]:
    """Bytes that stay, and those that go: data, networks on the way, checkpoints."""
    spec = prepared.spec
    each = {arm.name: 0 for arm in spec.arms}
    seen = dict(each)
    for (arm, _), trial in found.items():
        each[arm] = max(each[arm], trial.network)
        seen[arm] = max(seen[arm], trial.seen)
    runs = len(spec.seeds) * len(spec.recipe.rates) * len(spec.sweep.points)
    kept = runs * (sum(each.values()) + sum(seen.values()))
    at_once = workers_of(spec.execution)
    # the network, its momentum and second moments, old and new
    passing = 6 * at_once * max(each.values())
    if spec.measure == "full":
        ways = len(spec.seeds_with_surfaces) * runs // len(spec.seeds)
        passing += sum(each.values()) * (MAX_SNAPSHOTS * ways + LEVELS * at_once)
        # those that are compared or looked at again, to the end
        passing += (1 + spec.measures_sharpness) * runs * sum(each.values())
    parts = prepared.dataset.parts.values()
    passing += sum(part.images.nbytes + part.labels.nbytes for part in parts)
    return kept, passing
