"""A few steps of one arm, timed where it will be trained; nothing of it is kept.

A worker trains, looks and evaluates as in a run, on the real data.
"""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

import torch

from normlab.data.batches import BatchStream
from normlab.data.feed import Feed
from normlab.errors import NormlabError
from normlab.probes.registry import observers
from normlab.spec.plan import RunKey
from normlab.study.jobs import JobContext
from normlab.study.messages import Measured, Tell
from normlab.train.evaluator import Evaluator
from normlab.train.observers import Observers
from normlab.train.run import Run
from normlab.train.run_config import RunConfig
from normlab.train.step_state import PENDING, Observer, StepState

ENOUGH = 0.5  # seconds of steps
MOST = 50  # steps
ACROSS = 3  # points of a trial surface, along each axis
FEW, LARGER = 4, 4  # batches of it, and times as many of the next


class Rehearsed(NamedTuple):
    """What a worker saw of one arm, and what a whole run makes of it."""

    step: float
    """Seconds of a step."""
    run: float
    """Seconds of a whole run, with all that is looked at."""
    memory: int
    """Most bytes that the worker held."""
    network: int
    """Bytes of the network as it is kept."""
    seen: int
    """Bytes of all that probes will have seen."""
    surface: tuple[float, float] | None = None
    """Seconds to set a surface up, and of each loss of one example on it."""


@dataclass(frozen=True, kw_only=True)
class RehearsalJob:
    """Time a few steps, a look of each probe and an evaluation of one run."""

    context: JobContext = field(repr=False)
    key: RunKey

    @property
    def label(self) -> str:
        """What it is called when something goes wrong."""
        return f"the rehearsal of {self.key.id}"

    def perform(self, tell: Tell) -> None:
        """Tell one `Rehearsed`; nothing is left on disk."""
        with TemporaryDirectory(dir=self.context.data) as folder:
            found = _rehearsed(self.context, self.key, Path(folder))
        tell(Measured(name=self.key.arm, value=found._asdict()))


def _rehearsed(context: JobContext, key: RunKey, folder: Path) -> Rehearsed:
    config = context.run_config(key)
    model = context.network(key.arm, key.seed)
    run = Run(model, config)
    batches = BatchStream(
        len(config.dataset.train),
        batch_size=config.recipe.batch_size,
        seed=key.seed,
        last_batch=config.recipe.last_batch,
    )
    order = cycle(batches.epoch(1))
    run.advance([next(order)])  # sets up what is set up once
    seconds, taken = 0.0, 0
    while seconds < ENOUGH and taken < MOST:
        taken, (_, more) = taken + 1, run.advance([next(order)])
        seconds += more
    step = seconds / taken
    steps = batches.steps_per_epoch * config.recipe.epochs
    looks, seen = _looks(context, model, config, steps, folder)
    began = perf_counter()
    exam = Evaluator(
        model, config.dataset, config.loss, seed=key.seed, device=config.device
    )
    exam.test(0)
    exam.metrics(0)
    evaluation = perf_counter() - began
    return Rehearsed(
        step=step,
        run=steps * step + looks + config.recipe.epochs * evaluation,
        memory=_most_memory(),
        network=sum(tensor.nbytes for tensor in model.state_dict().values()),
        seen=seen,
        surface=_surface(context, key) if context.spec.measure == "full" else None,
    )


def _surface(context: JobContext, key: RunKey) -> tuple[float, float] | None:
    """What a surface costs to set up, and for each example at each point.

    From two small ones of different size; None where none can be measured.
    """
    # slow to load, and needed by none who only hands the job on
    from normlab.landscape.surface import surface

    dataset, how = context.dataset(), context.spec.surfaces
    model = context.network(key.arm, key.seed).to(torch.device(context.device))
    size = min(context.spec.recipe.batch_size, len(dataset.train))
    most = max(1, min(len(dataset.train), how.examples) // size)

    def seconds(batches: int) -> float:
        began = perf_counter()
        surface(
            model,
            dataset,
            statistics=how.statistics[0],
            batch_size=size,
            points=ACROSS,
            exact=True,
            examples=batches * size,
            seed=key.seed,
            loss=context.loss,
        )
        return perf_counter() - began

    few = max(1, min(FEW, most // 2))
    try:
        seconds(1)  # sets up what is set up once
        short = more = seconds(few)
        some = few
        while some < most and (some == few or more < ENOUGH):
            some = min(LARGER * some, most)
            more = seconds(some)
    except NormlabError:  # as it will say where surfaces are measured
        return None
    losses = size * ACROSS**2  # of one batch
    if some == few:
        return 0.0, short / (few * losses)
    each = max(0.0, more - short) / ((some - few) * losses)
    return max(0.0, short - each * few * losses), each


def _looks(
    context: JobContext,
    model: torch.nn.Module,
    config: RunConfig,
    steps: int,
    folder: Path,
) -> tuple[float, int]:
    """Seconds of all looks of all probes of a run, and bytes of what they will keep."""
    seconds, seen = 0.0, 0
    for probe in observers(
        context.spec.measure,
        model,
        config,
        shared=context.shared,
        snapshots=folder / "path" if context.spec.seeds_with_surfaces else None,
        levels=folder / "levels",
    ):
        times = [at for at in range(steps + 1) if probe.due(at)]
        began = perf_counter()
        for at in times[:2]:
            began = perf_counter()  # the first sets up what is set up once
            _look(probe, model, config, at)
        seconds += len(times) * (perf_counter() - began)
        rows = [
            t.nbytes for n, t in probe.arrays().items() if not n.startswith(PENDING)
        ]
        seen += len(times) * sum(rows) // max(1, len(times[:2]))
    return seconds, seen


def _look(
    probe: Observer, model: torch.nn.Module, config: RunConfig, step: int
) -> None:
    dataset = config.dataset
    feed = Feed(dataset.train, dataset.mean, dataset.std, config.device)
    batch = torch.arange(min(config.recipe.batch_size, len(feed)))
    state = StepState(
        step=step,
        epoch=0,
        model=model,
        upcoming=partial(feed.take, batch),
        rate=config.key.rate,
        loss=config.loss,
    )
    Observers([probe], seed=config.key.seed).observe(state)


def _most_memory() -> int:
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else 1024 * found
