"""Which surfaces a study measures.

By default for the first seed: every arm on the plane of its own path, and the baseline
with each other arm on the plane that both twins span; `spec/surfaces.py` tells what
else can be asked for. For every seed also a coarse *bowl* on the common plane: the
shape of its contours is compared over seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from normlab.spec.plan import RunKey
from normlab.study.jobs import JobContext
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
