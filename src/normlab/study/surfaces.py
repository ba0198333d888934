"""Which surfaces a study measures.

By default for the first seed: every arm on the plane of its own path, and the baseline
with each other arm on the plane that both twins span; `spec/surfaces.py` tells what
else can be asked for. For every seed also a coarse *bowl* on a wider part of the common
plane: the area of low loss is compared over seeds. And of every run what `afterwards`
measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from normlab.records.levels import levels_reached
from normlab.records.observed.curvature import CurvatureArrays
from normlab.records.observed.levels import LevelArrays
from normlab.records.observed.rises import RiseArrays
from normlab.records.observed.sharpness import SharpnessArrays
from normlab.records.rows import RunRecord
from normlab.spec.plan import RunKey
from normlab.study.afterwards import CurvatureJob, RisesJob, SharpnessJob
from normlab.study.jobs import FIRST_EPOCH, JobContext
from normlab.study.levels import levels_compared
from normlab.study.surface_job import SurfaceJob


def surface_jobs(
    context: JobContext, arrays: Path, unfinished: Path, status: Mapping[RunKey, str]
) -> list[SurfaceJob]:
    """The surfaces of a study, those that take longest first.

    Args:
        context: The study, at the point of its sweep that is shown.
        arrays: Its folder of arrays.
        unfinished: Its folder for the cells of surfaces under way.
        status: Status of the runs that are shown, one for each arm and seed; only
            runs that are done have surfaces.
    """
    spec = context.spec
    runs = {(key.arm, key.seed): key for key in status}
    jobs = [
        job
        for arm in spec.arms
        for seed in spec.seeds
        for job in _jobs_of(
            SurfaceJob(
                context=context,
                arrays=arrays,
                unfinished=unfinished,
                kind="bowl",
                run=runs[arm.name, seed],
            )
        )
    ]
    ready = [j for j in jobs if all(status.get(r) == "done" for r in _runs_of(j))]
    return sorted(ready, key=lambda job: job.kind == "bowl")


def curvature_jobs(
    context: JobContext, arrays: Path, runs: Iterable[RunRecord]
) -> Iterator[CurvatureJob]:
    """The runs whose curvatures are not known at all levels that they are compared at.

    Args:
        context: The study, at the point of its sweep that is shown.
        arrays: Its folder of arrays.
        runs: Those that are shown, one for each arm and seed.
    """
    if len(context.spec.arms) < 2:
        return
    twins: dict[int, dict[str, RunRecord]] = {}
    for run in runs:
        if run.status == "done" and LevelArrays in run.observed:
            twins.setdefault(run.key.seed, {})[run.key.arm] = run
    for of_seed in twins.values():
        reached = {arm: levels_reached(run.observed) for arm, run in of_seed.items()}
        compared = levels_compared(reached, context.spec.baseline.name)
        for arm, run in of_seed.items():
            seen = run.observed
            known = (
                seen[CurvatureArrays].level.tolist()
                if CurvatureArrays in seen
                else None
            )
            wanted = compared[arm].keys() - (known or ())
            # once everything was measured the networks are gone
            kept = (arrays / run.key.id / "levels").is_dir()
            if (wanted and kept) or (known is None and not wanted):
                yield CurvatureJob(
                    context=context, arrays=arrays, run=run.key, levels=compared[arm]
                )


def rises_jobs(
    context: JobContext, arrays: Path, runs: Iterable[RunRecord]
) -> Iterator[RisesJob]:
    """The runs around whose ends nobody has looked; arguments as above."""
    for run in runs if len(context.spec.arms) > 1 else ():
        if run.status == "done" and RiseArrays not in run.observed:
            step = len(run.step_losses)
            yield RisesJob(context=context, arrays=arrays, run=run.key, step=step)


def sharpness_jobs(
    context: JobContext, arrays: Path, runs: Iterable[RunRecord]
) -> Iterator[SharpnessJob]:
    """The runs by SGD whose sharpness nobody knows; arguments as above."""
    for run in runs if context.spec.measures_sharpness else ():
        if run.status == "done" and SharpnessArrays not in run.observed:
            of_run, steps = arrays / run.key.id, len(run.step_losses)
            networks = {
                steps // len(run.epochs): of_run / FIRST_EPOCH,
                steps: of_run / "network.safetensors",
            }
            yield SharpnessJob(
                context=context,
                arrays=arrays,
                run=run.key,
                networks={n: file for n, file in networks.items() if file.exists()},
            )


def _jobs_of(job: SurfaceJob) -> Iterator[SurfaceJob]:
    """The surfaces of one run, made from a job that names it."""
    spec = job.context.spec
    if job.run.seed in spec.seeds_with_surfaces:
        for kind in spec.surfaces.planes:
            for statistics in spec.surfaces.statistics:
                one = replace(job, kind=kind, statistics=statistics)
                yield from _with_twins(one) if kind == "common" else [one]
    yield from _with_twins(job)


def _with_twins(job: SurfaceJob) -> Iterator[SurfaceJob]:
    """On the plane with each arm that it shares one with; the baseline is in all."""
    baseline = job.context.spec.baseline.name
    for arm in job.context.spec.arms:
        if arm.name != baseline and job.run.arm in (arm.name, baseline):
            yield replace(job, twin=arm.name)


def _runs_of(job: SurfaceJob) -> list[RunKey]:
    """The runs that must be done before a surface can be measured."""
    if job.twin is None:
        return [job.run]
    baseline = job.context.spec.baseline.name
    return [job.run._replace(arm=arm) for arm in (baseline, job.twin)]
