"""What will be measured when all runs are trained, and how much work that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.spec.plan import RunKey
from normlab.study.afterwards import PER_EXAMPLE, CurvatureJob, RisesJob
from normlab.study.cost import extent
from normlab.study.pace import workers_of
from normlab.study.stages import Stage
from normlab.study.surfaces import surface_jobs

if TYPE_CHECKING:
    from normlab.spec.point import SweepPoint
    from normlab.study.afterwards import AfterwardsJob
    from normlab.study.jobs import JobContext
    from normlab.study.prepare import Variant
    from normlab.study.surface_job import SurfaceJob

SURVEY, COST = "surfaces and curvatures", "what a step costs"


def stages_ahead(
    contexts: Mapping[SweepPoint, JobContext], variants: Mapping[SweepPoint, Variant]
) -> list[Stage]:
    """What follows training where every run trains and nothing is known yet.

    Args:
        contexts: By the points of the sweep.
        variants: Likewise.
    """
    point, context = next(iter(contexts.items()))
    spec = context.spec
    stages = []
    if spec.measure == "full":
        stages.append(survey(_expected(context, point), context, point))
    if spec.measure != "none":
        stages.append(cost(variants[point], point))
    return stages


def survey(
    jobs: Iterable[SurfaceJob | AfterwardsJob], context: JobContext, point: SweepPoint
) -> Stage:
    """Surfaces, curvatures and loss rises as work that is shared by the workers.

    Args:
        jobs: Those that are to be done.
        context: The study, at the point of its sweep that is shown.
        point: That point.
    """
    images = context.spec.recipe.batch_size * PER_EXAMPLE
    return Stage(
        name=SURVEY,
        work={job.name: job.work / images for job in jobs},
        point=point,
        workers=workers_of(context.spec.execution),
    )


def cost(variant: Variant, point: SweepPoint) -> Stage:
    """The timing of steps, of which every arm takes as many."""
    blocks, steps = extent(variant.spec, variant.batches.steps_per_epoch)
    steps *= (blocks + 1) * len(variant.spec.arms)
    return Stage(name=COST, work={COST: steps}, point=point)


def _expected(
    context: JobContext, point: SweepPoint
) -> Iterable[SurfaceJob | AfterwardsJob]:
    """All that there is if the study is shown at its first rate, and twins are alike.

    Curvatures are then compared at one level of each run.
    """
    spec, nowhere = context.spec, Path()
    rate = spec.recipe.rates[0]
    runs = [
        RunKey(arm.name, rate, seed, point) for seed in spec.seeds for arm in spec.arms
    ]
    yield from surface_jobs(context, nowhere, nowhere, dict.fromkeys(runs, "done"))
    for run in runs if len(spec.arms) > 1 else ():
        yield CurvatureJob(context=context, arrays=nowhere, run=run, levels={0: 0})
        yield RisesJob(context=context, arrays=nowhere, run=run, step=0)
