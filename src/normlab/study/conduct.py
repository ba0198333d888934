"""Conducting: every run of a study is computed, kept and shown as it comes."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote

from normlab.analysis.design.refine import Refinement
from normlab.analysis.design.setting import setting_of
from normlab.analysis.text.words import count
from normlab.errors import BadFolder
from normlab.records.events import (
    ENDS,
    Diverged,
    EpochDone,
    Event,
    Failed,
    Finished,
    Noted,
    Observed,
)
from normlab.records.folder import StudyFolder
from normlab.records.rows import ENDED, FAILED, Status
from normlab.records.surface import StudySurface
from normlab.records.writer import Writer
from normlab.spec.plan import RunKey, plan
from normlab.study.afterwards import AfterwardsJob
from normlab.study.ahead import COST, cost, stages_ahead, survey
from normlab.study.cost import CostJob, extent
from normlab.study.executor import Executor
from normlab.study.jobs import FIRST_EPOCH, Job, TrainJob
from normlab.study.levels import drop_uncompared
from normlab.study.listener import ProgressListener, Workload
from normlab.study.messages import (
    Halted,
    JobEnded,
    JobStarted,
    Lost,
    Measured,
    Message,
    Share,
    Stands,
    Unmeasured,
)
from normlab.study.order import longest_first
from normlab.study.prepare import Prepared
from normlab.study.rewind import rewound
from normlab.study.surface_job import SurfaceJob
from normlab.study.surfaces import (
    curvature_jobs,
    rises_jobs,
    sharpness_jobs,
    surface_jobs,
)

ATTEMPTS = 2  # a run whose worker died is tried once more


class Conductor:
    """Computes what is still to be done of one study; the only one that writes.

    Args:
        prepared: The study's data and networks.
        folder: Where the study is kept.
        writer: Of that folder.
        executor: Computes the jobs.
        watcher: Is told what happens.
        only: The seeds to compute of a part, which measures nothing after training.
    """

    def __init__(
        self,
        prepared: Prepared,
        folder: StudyFolder,
        writer: Writer,
        *,
        executor: Executor,
        watcher: ProgressListener,
        only: Sequence[int] | None = None,
    ) -> None:
        self._prepared = prepared
        self._only = only
        self._folder = folder
        self._writer = writer
        self._executor = executor
        self._watcher = watcher
        self._attempts: dict[RunKey, int] = {}
        self._running: set[RunKey] = set()
        self._refinement: Refinement | None = None
        self._planned: set[RunKey] = set()  # where rates are refined
        self._unmeasured: set[str] = set()  # surfaces and the like, by name
        self._failed: dict[str, str] = {}  # what is no run, and why
        self._noted: set[str] = set()  # what has been said of some run
        self._ended: set[RunKey] = set()
        self._data = scratch(folder.path) / "data"
        self._contexts = prepared.contexts(self._data)

    def conduct(self) -> None:
        """Train every run that has not ended, then measure what follows training.

        Raises:
            KeyboardInterrupt: If the user stops it; the runs under way are then
                marked as interrupted, and everything so far is kept.
            BadFolder: If the folder cannot be written any more, for example on a
                full disk. Everything so far is kept too.
        """
        self._prepared.dataset.save(self._data)
        try:
            self._train()
            if self._only is None:
                self._survey()
                self._measure()
            if self._failed or FAILED in self._folder.tables().measurements:
                self._writer.measurement(FAILED, self._failed)
        except BadFolder as trouble:
            with suppress(BadFolder):  # a full disk has no room for that either
                self._interrupt()
            if not self._attempts:
                raise
            resume = f"normlab resume {quote(str(self._folder.path))}"
            raise BadFolder(f"{trouble} Then go on with: {resume}") from trouble
        except BaseException:
            self._interrupt()
            raise
        # it maps the data, and has the descriptors that removing folders takes
        self._executor.close()
        # where a surface was lost, `resume` goes on with what is known of it
        if not self._unmeasured:
            shutil.rmtree(self._checkpoints(), ignore_errors=True)

    def _interrupt(self) -> None:
        for key in self._running:
            self._writer.status(key, "interrupted")

    def _train(self) -> None:
        spec = self._prepared.spec
        self._writer.add_runs(plan(spec))
        # an earlier session may have added rates of its own
        runs = [run for run in self._folder.tables().runs if self._is_ours(run.key)]
        self._ended = {run.key for run in runs if run.status in ENDED}
        starts = {
            run.key: self._rewound(run.key)
            for run in runs
            if run.key not in self._ended
        }
        done = {run.key: starts.get(run.key, spec.recipe.epochs) for run in runs}
        steps = {
            p: v.batches.steps_per_epoch for p, v in self._prepared.variants.items()
        }
        last = {run.key: run.epochs[-1] for run in runs if run.epochs}
        keys = [run.key for run in runs]
        ahead = (
            stages_ahead(self._contexts, self._prepared.variants)
            if self._only is None
            else []
        )
        self._watcher.began(Workload(spec, keys, steps, done, last, ahead))
        for key in longest_first(starts, self._prepared.variants, spec.recipe.epochs):
            self._executor.submit(self._job(key, starts[key]))
        if spec.recipe.refine:
            self._refinement = Refinement(self._folder.tables())
            self._planned = {run.key for run in runs}
            self._join(self._refinement.wanted())
        self._listen()

    def _is_ours(self, key: RunKey) -> bool:
        return self._only is None or key.seed in self._only

    def _refine(self, key: RunKey, event: Event) -> None:
        """Add the runs that are wanted by what a run reports."""
        if self._refinement is None:
            return
        if isinstance(event, EpochDone):
            self._refinement.epoch_done(key, event.metrics)
        if isinstance(event, Finished | Diverged):
            diverged = isinstance(event, Diverged)
            self._join(self._refinement.run_ended(key, diverged=diverged))

    def _join(self, wanted: Sequence[RunKey]) -> None:
        more = [key for key in wanted if key not in self._planned]
        if not more:
            return
        self._planned.update(more)
        self._writer.add_runs(more)
        self._watcher.joined(more)
        for key in more:
            # what comes after waits for these
            self._executor.submit(self._job(key, 0), urgent=True)

    def _survey(self) -> None:
        """Measure surfaces and curvatures; then the networks on the way can go."""
        if self._prepared.spec.measure != "full":
            return
        arrays = self._folder.path / "arrays"
        known = self._folder.surface_names()
        record = self._folder.read()  # what probes saw as well
        rate, point = setting_of(record)
        shown = [r for r in record.runs if (r.key.rate, r.key.point) == (rate, point)]
        status = {run.key: run.status for run in shown}
        unfinished = self._folder.path / "checkpoints" / "surfaces"
        context = self._contexts[point]
        surfaces = surface_jobs(context, arrays, unfinished, status)
        missing = [
            *(job for job in surfaces if job.name not in known),
            *curvature_jobs(context, arrays, shown),
            *rises_jobs(context, arrays, shown),
            *sharpness_jobs(context, arrays, shown),
        ]
        if missing:
            kinds = Counter(job.noun for job in missing)
            told = ", ".join(count(n, kind) for kind, n in kinds.items())
            self._watcher.note(f"measuring {told}")
        self._watcher.stage(survey(missing, self._prepared.variants[point], point))
        self._unmeasured = {job.name for job in missing}
        for job in missing:
            self._executor.submit(job)
        self._listen()
        # where one was lost, `resume` needs the networks that it is made of
        if not self._unmeasured:
            for run in record.runs:
                for passing in ("path", FIRST_EPOCH.parent):
                    shutil.rmtree(arrays / run.key.id / passing, ignore_errors=True)
                if self._ended.issuperset(self._twins(run.key)):
                    shutil.rmtree(arrays / run.key.id / "levels", ignore_errors=True)

    def _twins(self, key: RunKey) -> list[RunKey]:
        """The runs of all arms at this seed, rate and point."""
        return [key._replace(arm=arm.name) for arm in self._prepared.spec.arms]

    def _measure(self) -> None:
        spec = self._prepared.spec
        if spec.measure == "none" or "cost" in self._folder.tables().measurements:
            return
        point, context = next(iter(self._contexts.items()))
        variant = self._prepared.variants[point]
        epoch = variant.batches.steps_per_epoch
        blocks, steps = extent(spec, epoch)
        each = count((blocks + 1) * steps, "step")
        self._watcher.note(f"measuring what a step costs: {each} of each arm")
        self._watcher.stage(cost(variant, point))
        self._executor.submit(CostJob(context=context, steps_per_epoch=epoch))
        self._listen()

    def _listen(self) -> None:
        for job, message in self._executor.messages():
            match message:
                case JobEnded():
                    pass
                case Halted(reason=reason):
                    raise BadFolder(reason)
                case Stands(reason=reason):
                    self._watcher.told(f"{job.label}: {reason}")
                case _ if isinstance(job, TrainJob):
                    self._of_run(job, message)
                case Failed(reason=reason) | Lost(reason=reason):
                    self._failed[job.label] = reason
                    self._watcher.note(f"{job.label} failed: {reason}")
                    self._watcher.reached(_name(job), 1.0)  # no more comes of it
                case _:
                    self._of_measurement(job, message)

    def _of_measurement(self, job: Job, message: Message) -> None:
        match job, message:
            case _, Share(share=share):
                self._watcher.reached(_name(job), share)
            case SurfaceJob(), StudySurface() | Unmeasured():
                self._mapped(job, message)
            case AfterwardsJob(run=run), Noted():
                self._writer.event(run, message)
                self._watcher.told(f"{run.id}: {message.text}")
            case AfterwardsJob(name=name, run=run), Observed():
                self._writer.event(run, message)
                self._done(name)
            case _, Measured(name=name, value=value):
                self._writer.measurement(name, value)
                self._watcher.reached(_name(job), 1.0)

    def _mapped(self, job: SurfaceJob, message: StudySurface | Unmeasured) -> None:
        if isinstance(message, Unmeasured):
            self._watcher.note(f"no surface {message.name}: {message.reason}")
        else:
            self._writer.surface(message)
            job.cells.unlink(missing_ok=True)
        self._done(job.name)

    def _done(self, name: str) -> None:
        self._unmeasured.discard(name)
        self._watcher.reached(name, 1.0)

    def _of_run(self, job: TrainJob, message: Message) -> None:
        match message:
            case JobStarted():
                self._attempts[job.key] = self._attempts.get(job.key, 0) + 1
                self._status(job.key, "running")
            case Lost(reason=reason):
                self._lost(job, reason)
            case _ if isinstance(message, Event):
                self._keep(job, message)
            case _:
                raise TypeError(f"no message of a run: {message!r}")

    def _keep(self, job: TrainJob, event: Event) -> None:
        self._writer.event(job.key, event)
        self._watcher.event(job.key, event)
        if isinstance(event, Noted) and event.text not in self._noted:
            self._noted.add(event.text)
            self._watcher.told(f"{job.key.id}: {event.text}")
        if status := ENDS.get(type(event)):
            reason = event.reason if isinstance(event, Failed) else None
            self._running.discard(job.key)
            self._watcher.status(job.key, status, reason)
        if isinstance(event, Finished | Diverged):
            shutil.rmtree(job.checkpoints, ignore_errors=True)
            self._ended.add(job.key)
            twins, baseline = self._twins(job.key), self._prepared.spec.baseline.name
            if self._ended.issuperset(twins):
                drop_uncompared(self._folder, twins, baseline)
        self._refine(job.key, event)

    def _lost(self, job: TrainJob, reason: str) -> None:
        if self._attempts[job.key] >= ATTEMPTS:
            self._keep(job, Failed(reason=f"{reason}, twice"))
            return
        start = self._rewound(job.key)
        self._running.discard(job.key)
        self._watcher.status(job.key, "queued", reason)
        again = "from the beginning" if start == 0 else f"from epoch {start}"
        self._watcher.note(f"{job.key.id}: {reason}; trying once more {again}")
        self._executor.submit(replace(job, start=start))

    def _status(self, key: RunKey, status: Status) -> None:
        self._running.add(key)
        self._writer.status(key, status)
        self._watcher.status(key, status, None)

    def _rewound(self, key: RunKey) -> int:
        return rewound(key, self._checkpoints(key), self._writer, self._watcher.told)

    def _job(self, key: RunKey, start: int) -> TrainJob:
        return TrainJob(
            key=key,
            context=self._contexts[key.point],
            checkpoints=self._checkpoints(key),
            network=self._folder.path / "arrays" / key.id / "network.safetensors",
            start=start,
        )

    def _checkpoints(self, key: RunKey | None = None) -> Path:
        return self._folder.path / "checkpoints" / (key.id if key else "")


def _name(job: Job) -> str:
    """What is measured, as its stage calls it."""
    return job.name if isinstance(job, SurfaceJob | AfterwardsJob) else COST


def scratch(folder: Path) -> Path:
    """Where a study keeps what is of no use after it: data to map, workers' logs."""
    return folder / "scratch"
