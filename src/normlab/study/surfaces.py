"""Which surfaces a study measures, and how a worker measures one.

For the first seed: every arm on the plane of its own path, and the baseline with each
other arm on the plane that both twins span. For every seed also a coarse *bowl* on the
common plane: the shape of its contours is compared over seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors.torch import load_file

from normlab.errors import BadData
from normlab.landscape.common_plane import common_plane
from normlab.landscape.path_plane import path_plane
from normlab.landscape.plane import Arrays, Plane, projected
from normlab.landscape.surface import surface
from normlab.records.surface import Mark, StudySurface, surface_name
from normlab.spec.plan import RunKey
from normlab.spec.study import StudySpec
from normlab.study.jobs import Material, Tell

POINTS = 49
EXAMPLES = 2_048
BOWL_POINTS = 13
REAL_LOSSES = 10  # places on a path whose real loss is measured beside the plane's


@dataclass(frozen=True)
class Unmeasured:
    """A surface that does not exist here, and why; a result, not a failure."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class SurfaceJob:
    """Measure one run on one plane."""

    material: Material = field(repr=False)
    arrays: Path  # of the study
    kind: Literal["path", "common", "bowl"]
    run: RunKey
    twin: str | None = None

    @property
    def label(self) -> str:
        """What it is called when something goes wrong."""
        return f"surface {self.name}"

    @property
    def name(self) -> str:
        """The name of its record."""
        return surface_name(self.kind, self.run, self.twin)

    def perform(self, tell: Tell) -> None:
        """Measure; one event."""
        try:
            plane = self._path() if self.kind == "path" else self._common()
        except BadData as refused:
            tell(Unmeasured(self.name, str(refused)))
            return
        model = self._start(self.run)
        model.load_state_dict(self._end(self.run))
        dataset, coarse = self.material.dataset(), self.kind == "bowl"

        batch_size = min(self.material.spec.recipe.batch_size, len(dataset.train))
        found = surface(
            model,
            dataset,
            plane=plane,
            batch_size=batch_size,
            points=BOWL_POINTS if coarse else POINTS,
            exact=coarse,
            examples=min(len(dataset.train), max(EXAMPLES, batch_size)),
            seed=self.run.seed,
            loss=self.material.loss,
        )
        if coarse:  # nobody draws it, and directions are as large as networks
            found = replace(found, directions=({}, {}))
        tell(StudySurface(kind=self.kind, run=self.run, twin=self.twin, surface=found))

    def _path(self) -> Plane:
        """The plane of the run's snapshots, over all its parameters."""
        files = self._snapshots()
        names = [name for name, _ in self._start(self.run).named_parameters()]
        snapshots = [_only(load_file(file), names) for file in files.values()]
        end = _only(self._end(self.run), names)
        plane = path_plane(snapshots, list(files), end=end)
        return replace(plane, real=_loaded(files))

    def _common(self) -> Plane:
        """The plane of the common start and the ends of the baseline and its twin."""
        spec, shared = self.material.spec, self._shared_parameters()
        arms = (spec.baseline.name, self.twin or "")
        ends = {
            arm: _only(self._end(self.run._replace(arm=arm)), shared) for arm in arms
        }
        start = _only(self._start(self.run).state_dict(), shared)
        plane = common_plane(start, ends, shared=shared)
        return plane if self.kind == "bowl" else self._with_path(plane)

    def _with_path(self, plane: Plane) -> Plane:
        """The run's own way marked on a common plane, and its real losses there."""
        start, end = self._start(self.run), self._end(self.run)
        names = [name for name, _ in start.named_parameters()]
        held, files = _only(end, names), self._snapshots()

        def mark(name: str, state: Mapping[str, torch.Tensor]) -> Mark:
            return projected(plane, name, _only(state, names), held=held)

        begin = mark("start", start.state_dict())
        steps = [mark(f"step {step}", load_file(f)) for step, f in files.items()]
        # the first and the last have marks of their own
        between = {step: files[step] for step in list(files)[1:-1]}
        ends = {"start": start.state_dict(), f"end {self.run.arm}": end}
        real = {name: _only(state, list(state)) for name, state in ends.items()}
        return replace(
            plane,
            marks=(begin, *plane.marks[1:], *steps),
            real=real | _loaded(between, REAL_LOSSES - len(ends)),
        )

    def _snapshots(self) -> dict[int, Path]:
        """The run's kept networks by step; none once the surfaces were measured."""
        files = (self.arrays / self.run.id / "path").glob("step-*.safetensors")
        steps = {int(file.stem.removeprefix("step-")): file for file in files}
        return dict(sorted(steps.items()))

    def _shared_parameters(self) -> list[str]:
        """Shared weights: tensors of two and more axes that all arms have."""
        own = dict(self._start(self.run).named_parameters())
        return [n for n in self.material.shared if n in own and own[n].ndim > 1]

    def _start(self, run: RunKey) -> torch.nn.Module:
        network = self.material.network(run.arm, run.seed)
        return network.to(torch.device(self.material.device))

    def _end(self, run: RunKey) -> dict[str, torch.Tensor]:
        return load_file(self.arrays / run.id / "network.safetensors")


def surface_jobs(
    material: Material, arrays: Path, status: Mapping[RunKey, str]
) -> list[SurfaceJob]:
    """The surfaces of a study, those that take longest first.

    Args:
        material: The study, at the point of its sweep that is shown.
        arrays: Its folder of arrays.
        status: Status of the runs that are shown, one for each arm and seed; only
            runs that are done have surfaces.
    """
    spec = material.spec
    jobs = [
        job
        for arm in spec.arms
        for seed in spec.seeds
        for job in _jobs_of(
            SurfaceJob(
                material=material,
                arrays=arrays,
                kind="path",
                run=_run(spec, arm.name, seed, status),
            )
        )
    ]
    ready = [j for j in jobs if all(status.get(r) == "done" for r in _runs_of(j))]
    return sorted(ready, key=lambda job: job.kind == "bowl")


def _run(spec: StudySpec, arm: str, seed: int, status: Mapping[RunKey, str]) -> RunKey:
    """The run of this arm and seed."""
    return next(key for key in status if (key.arm, key.seed) == (arm, seed))


def _jobs_of(path: SurfaceJob) -> Iterator[SurfaceJob]:
    spec, arm = path.material.spec, path.run.arm
    others = [a.name for a in spec.arms if a != spec.baseline]
    first = path.run.seed == spec.seeds[0]
    if first:
        yield path
    for other in others:
        if arm in (other, spec.baseline.name):
            if first:
                yield replace(path, kind="common", twin=other)
            yield replace(path, kind="bowl", twin=other)


def _runs_of(job: SurfaceJob) -> list[RunKey]:
    """The runs that must be done before a surface can be measured."""
    if job.twin is None:
        return [job.run]
    baseline = job.material.spec.baseline.name
    return [job.run._replace(arm=arm) for arm in (baseline, job.twin)]


def _loaded(files: Mapping[int, Path], most: int = REAL_LOSSES) -> dict[str, Arrays]:
    """Networks of at most so many steps, evenly chosen, by the names of their marks."""
    steps = list(files)
    places = np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int)
    chosen = {steps[place]: files[steps[place]] for place in places}
    states = {f"step {step}": load_file(file) for step, file in chosen.items()}
    return {name: _only(state, list(state)) for name, state in states.items()}


def _only(state: Mapping[str, torch.Tensor], names: list[str]) -> Arrays:
    return {name: state[name].detach().cpu().numpy() for name in names}
