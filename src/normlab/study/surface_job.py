"""One surface of a study, as a worker measures it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from normlab.base.digest import combined, digest
from normlab.errors import BadData, NormlabError
from normlab.landscape.planes.common import common_plane
from normlab.landscape.planes.path import path_plane
from normlab.landscape.planes.plane import Arrays, Plane, projected
from normlab.landscape.planes.random import random_plane
from normlab.records.surface import Mark, StudySurface, SurfaceKind, surface_name
from normlab.spec.plan import RunKey
from normlab.spec.surfaces import Statistics, Surfaces
from normlab.study.jobs import JobContext
from normlab.study.messages import Tell, Unmeasured
from normlab.study.under_way import UnderWay
from normlab.train.checkpoint import network, network_lacks

# coarse ones, for there are many: nobody draws them
BOWL = Surfaces(points=17, examples=512, exact=True)
WIDER = 2.0  # times the window of other surfaces: where the loss is low shall end in it
NESTED = 250  # points that most interpolated surfaces need
REAL_LOSSES = 10  # places on a path whose real loss is measured beside the plane's


@dataclass(frozen=True, kw_only=True)
class SurfaceJob:
    """Measure one run on one plane."""

    context: JobContext = field(repr=False)
    arrays: Path  # of the study
    unfinished: Path  # folder for the cells of surfaces under way
    kind: SurfaceKind
    run: RunKey
    twin: str | None = None
    statistics: Statistics = "batch"
    noun: ClassVar[str] = "surface"

    @property
    def label(self) -> str:
        """What it is called when something goes wrong."""
        return f"surface {self.name}"

    @property
    def name(self) -> str:
        """The name of its record."""
        return surface_name(self.kind, self.run, self.twin, self.statistics)

    @property
    def cells(self) -> Path:
        """Where its cells are kept while it is under way."""
        return self.unfinished / f"{self.name}.npz"

    def work(self, images: int) -> float:
        """Losses of one example that it is expected to need, of so many to train on."""
        every = self.how.points**2
        points = every if self.how.exact else min(every, NESTED)
        return points * min(images, self.how.examples)

    @property
    def how(self) -> Surfaces:
        """How closely it is measured."""
        return BOWL if self.kind == "bowl" else self.context.spec.surfaces

    def perform(self, tell: Tell) -> None:
        """Measure; one event, before it shares of a surface that takes long."""
        # slow to load, and needed by none who only hands the job on
        from normlab.landscape.surface import surface

        if lacks := self._lacks():
            tell(Unmeasured(self.name, f"the kept networks lack {', '.join(lacks)}"))
            return
        end = self._end(self.run)
        model = self._start(self.run)
        model.load_state_dict(end)
        try:
            plane = self._plane(model)
        except BadData as refused:
            tell(Unmeasured(self.name, str(refused)))
            return
        how, dataset = self.how, self.context.dataset()
        batch_size = min(self.context.spec.recipe.batch_size, len(dataset.train))
        # whole batches: a rest would be dropped by some statistics and not by others
        batches = max(1, min(len(dataset.train), how.examples) // batch_size)
        examples = batches * batch_size
        settings = (self.statistics, batch_size, examples, how.points, how.exact)
        under_way = UnderWay(
            self.cells,
            about=repr((*settings, self.run.seed, _networks(end, plane))),
            points=how.points,
            tell=tell,
        )
        try:
            found = surface(
                model,
                dataset,
                plane=plane,
                statistics=self.statistics,
                batch_size=batch_size,
                points=how.points,
                reach=WIDER if self.kind == "bowl" else 1.0,
                exact=how.exact,
                examples=examples,
                seed=self.run.seed,
                loss=self.context.loss,
                watch=under_way.watch,
            )
        except NormlabError as refused:  # such as a norm of unknown statistics
            tell(Unmeasured(self.name, str(refused)))
            return
        if self.kind == "bowl":  # nobody draws it, and directions are large
            found = replace(found, directions=({}, {}))
        tell(StudySurface(kind=self.kind, run=self.run, twin=self.twin, surface=found))

    def _plane(self, model: torch.nn.Module) -> Plane:
        """The plane, with its marks.

        Raises:
            BadData: If what was kept of the run spans none.
        """
        match self.kind:
            case "path":
                return self._path()
            case "random":
                return self._random(model)
            case "common":
                return self._with_path(self._common())
            case "bowl":
                return self._common()

    def _random(self, model: torch.nn.Module) -> Plane:
        """A plane of two random directions about the end of the run."""
        end = Mark(name=f"end {self.run.arm}", a=0.0, b=0.0)
        plane = random_plane(model, seed=self.run.seed)
        return replace(plane, marks=(end,), real={end.name: {}})

    def _path(self) -> Plane:
        """The plane of the run's snapshots, over all its parameters."""
        files = self._snapshots()
        start = self._start(self.run)
        names = [name for name, _ in start.named_parameters()]
        snapshots = [_only(network(file), names) for file in files.values()]
        end = _only(self._end(self.run), names)
        plane = path_plane(snapshots, list(files), end=end, model=start)
        return replace(plane, real=_loaded(files))

    def _common(self) -> Plane:
        """The plane of the common start and the ends of the baseline and its twin."""
        spec = self.context.spec
        shared = self.context.shared_weights(self._start(self.run))
        arms = (spec.baseline.name, self.twin or "")
        ends = {
            arm: _only(self._end(self.run._replace(arm=arm)), shared) for arm in arms
        }
        start = _only(self._start(self.run).state_dict(), shared)
        return common_plane(start, ends, shared=shared)

    def _with_path(self, plane: Plane) -> Plane:
        """The run's own way marked on a common plane, and its real losses there."""
        start, end = self._start(self.run), self._end(self.run)
        names = [name for name, _ in start.named_parameters()]
        held, files = _only(end, names), self._snapshots()

        def mark(name: str, state: Mapping[str, torch.Tensor]) -> Mark:
            return projected(plane, name, _only(state, names), held=held)

        begin = mark("start", start.state_dict())
        steps = [mark(f"step {step}", network(f)) for step, f in files.items()]
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

    def _start(self, run: RunKey) -> torch.nn.Module:
        network = self.context.network(run.arm, run.seed)
        return network.to(torch.device(self.context.device))

    def _lacks(self) -> list[str]:
        """What the networks that it is made of depend on beside what was kept."""
        arms = {self.run.arm}
        if self.kind in ("common", "bowl"):
            arms |= {self.context.spec.baseline.name, self.twin or self.run.arm}
        files = (self._file(self.run._replace(arm=arm)) for arm in sorted(arms))
        return sorted({name for file in files for name in network_lacks(file)})

    def _file(self, run: RunKey) -> Path:
        return self.arrays / run.id / "network.safetensors"

    def _end(self, run: RunKey) -> dict[str, torch.Tensor]:
        return network(self._file(run))


def _loaded(files: Mapping[int, Path], most: int = REAL_LOSSES) -> dict[str, Arrays]:
    """Networks of at most so many steps, evenly chosen, by the names of their marks."""
    steps = list(files)
    places = np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int)
    chosen = {steps[place]: files[steps[place]] for place in places}
    states = {f"step {step}": network(file) for step, file in chosen.items()}
    return {name: _only(state, list(state)) for name, state in states.items()}


def _only(state: Mapping[str, torch.Tensor], names: list[str]) -> Arrays:
    return {name: _array(state[name]) for name in names}


def _array(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu()
    # NumPy knows no bfloat16
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _networks(end: Mapping[str, torch.Tensor], plane: Plane) -> str:
    """One digest of all that is measured: the run's end, and the plane through it."""
    parts = {
        "end": end,
        "origin": plane.origin,
        "first": plane.first,
        "second": plane.second,
    }
    return combined(
        {
            f"{part} {name}": digest(array)
            for part, arrays in parts.items()
            for name, array in arrays.items()
        }
    )
