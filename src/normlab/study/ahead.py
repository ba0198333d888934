"""What will be measured when all runs are trained, and how much work that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.spec.plan import RunKey
from normlab.study.afterwards import (
    PER_EXAMPLE,
    CurvatureJob,
    RisesJob,
    SharpnessJob,
)
from normlab.study.cost import extent
from normlab.study.order import step_cost
from normlab.study.pace import workers_of
from normlab.study.stages import Stage
from normlab.study.surface_job import SurfaceJob
from normlab.study.surfaces import surface_jobs

if TYPE_CHECKING:
    from normlab.spec.point import SweepPoint
    from normlab.study.afterwards import AfterwardsJob
    from normlab.study.jobs import JobContext
    from normlab.study.prepare import Variant

SURVEY, COST = "surfaces and curvatures", "what a step costs"
MUCH = 3.0  # times the steps of training: then it is said beforehand


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
        stages.append(survey(expected(context, point), variants[point], point))
    if spec.measure != "none":
        stages.append(cost(variants[point], point))
    return stages


def long_survey(
    contexts: Mapping[SweepPoint, JobContext], variants: Mapping[SweepPoint, Variant]
) -> list[str]:
    """A line where surfaces and curvatures are far more work than the training."""
    point, context = next(iter(contexts.items()))
    if context.spec.measure != "full":
        return []
    ahead = survey(expected(context, point), variants[point], point).steps
    return (
        [longer(context, variants[point])]
        if ahead > MUCH * _steps(variants, point)
        else []
    )


def longer(context: JobContext, variant: Variant) -> str:
    """That what follows takes longer than the training, and how to leave it out."""
    work = [(job, job.work(variant.batches.n)) for job in expected(context, ())]
    drawn = [n for job, n in work if isinstance(job, SurfaceJob) and job.kind != "bowl"]
    most = 2 * sum(drawn) > sum(n for _, n in work)
    return (
        f"after training, {SURVEY} take longer than it does; "
        f"{'--set surfaces.seeds=0 leaves out most of them, ' if most else ''}"
        "--measure light all"
    )


def _steps(variants: Mapping[SweepPoint, Variant], point: SweepPoint) -> float:
    """Steps of all runs, in steps at one point, which may be of larger batches."""

    def epoch(variant: Variant) -> float:
        recipe, seed = variant.spec.recipe, variant.spec.seeds[0]
        keys = [RunKey(arm.name, recipe.rates[0], seed) for arm in variant.spec.arms]
        return sum(step_cost(key, variant) for key in keys)

    here = variants[point]
    step = epoch(here) / len(here.spec.arms) / here.batches.steps_per_epoch
    recipe = here.spec.recipe
    epochs = recipe.epochs * len(recipe.rates) * len(here.spec.seeds)
    return epochs * sum(map(epoch, variants.values())) / step


def survey(
    jobs: Iterable[SurfaceJob | AfterwardsJob], variant: Variant, point: SweepPoint
) -> Stage:
    """Surfaces, curvatures and loss rises as work that is shared by the workers.

    Args:
        jobs: Those that are to be done.
        variant: The study, at the point of its sweep that is shown.
        point: That point.
    """
    batches = variant.batches
    step = PER_EXAMPLE * min(batches.batch_size, batches.n)
    return Stage(
        name=SURVEY,
        work={job.name: job.work(batches.n) / step for job in jobs},
        point=point,
        workers=workers_of(variant.spec.execution),
    )


def cost(variant: Variant, point: SweepPoint) -> Stage:
    """The timing of steps, of which every arm takes as many."""
    blocks, steps = extent(variant.spec, variant.batches.steps_per_epoch)
    steps *= (blocks + 1) * len(variant.spec.arms)
    return Stage(name=COST, work={COST: steps}, point=point)


def expected(
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
    for run in runs if spec.measures_sharpness else ():
        networks = dict.fromkeys({1, spec.recipe.epochs}, nowhere)
        yield SharpnessJob(context=context, arrays=nowhere, run=run, networks=networks)
