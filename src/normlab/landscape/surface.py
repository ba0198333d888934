"""Measure a surface: the loss of any network on a plane of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from normlab.base.hold import preserved
from normlab.base.streams import seeded
from normlab.landscape.cells import Cells
from normlab.landscape.evaluate.applied import applied
from normlab.landscape.evaluate.cross_entropy import CrossEntropy
from normlab.landscape.evaluate.engine import Engine
from normlab.landscape.evaluate.moving import refuse_unmovable
from normlab.landscape.evaluate.objective import Loss, OfModel
from normlab.landscape.intake.data import source_of
from normlab.landscape.intake.sample import take_sample
from normlab.landscape.monitor import Clock, Monitor
from normlab.landscape.nested import fill_nested
from normlab.landscape.planes.chosen import PlaneLike, chosen_plane
from normlab.landscape.planes.plane import Arrays, Plane
from normlab.landscape.settings import objective_of, refuse_settings
from normlab.records.surface import Mark, Statistics, Surface
from normlab.user_code import placing

_DATASET_EXAMPLES = 10_000


def surface(
    model: nn.Module,
    data: Any,
    plane: PlaneLike = "random",
    statistics: Statistics = "batch",
    batch_size: int = 64,
    points: int = 49,
    reach: float = 1.0,
    exact: bool = False,
    seed: int = 0,
    loss: Loss | None = None,
    *,
    objective: OfModel | None = None,
    examples: int | None = None,
    threads: int | None = None,
    watch: Monitor | None = None,
) -> Surface:
    r"""Loss on the plane $w_0 + a\,d_1 + b\,d_2$ through a network's parameters.

    What `normlab.surface` calls, whose arguments these are, and whose help says what
    each means; that one adds the drawing. The model is left as it was to the last bit.

    Returns:
        The surface, free of torch.

    Raises:
        BadSetting: If a setting makes no sense.
        BadModel: If the model does not take the data, or cannot be copied.
        BadData: If the data is not a pair that fits together.

    Example:
        >>> import torch
        >>> x = torch.linspace(-1, 1, 128)[:, None]
        >>> net = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
        >>> found = surface(net, (x, (x[:, 0] > 0).long()), points=9)
        >>> found.loss.shape, found.evaluation
        ((9, 9), 'batch(64)')
    """
    refuse_settings(
        plane=plane,
        statistics=statistics,
        threads=threads,
        seed=seed,
        watch=watch,
    )
    watch = watch or Monitor()
    began = perf_counter()
    measured = objective_of(loss, objective)
    with placing():  # but not what `watch` may raise, to stop
        refuse_unmovable(model)
        chosen = chosen_plane(model, plane, seed=seed)
        a, b = chosen.grid(points, reach)
        source = source_of(data, pair=objective is None)
        if examples is None and source.is_dataset:
            examples = min(_DATASET_EXAMPLES, len(source))
    # data, a network or a loss that draws at every call moves no generator of the
    # user's; what is made in inference mode could not be written to
    with (
        torch.inference_mode(mode=False),
        seeded(seed, "surface"),
        preserved(loss) if isinstance(loss, nn.Module) else nullcontext(),
    ):
        with placing():
            sample = take_sample(
                model, source, batch_size=batch_size, seed=seed, examples=examples
            )
            engine = Engine(
                model,
                chosen,
                sample,
                statistics=statistics,
                objective=measured,
                batch_size=batch_size,
                threads=threads,
                window=((a[0], a[-1]), (b[0], b[-1])),
                seed=seed,
            )
        cells, error = _measure(engine, a, b, exact=exact, watch=watch)
        marks = _measured_marks(engine, chosen)
    return Surface(
        a=a,
        b=b,
        loss=cells.loss,
        directions=(_every(model, chosen.first), _every(model, chosen.second)),
        plane=chosen.kind,
        statistics=statistics,
        batch_size=batch_size,
        examples=len(engine.sample),
        estimated_error=error,
        computed=cells.computed,
        marks=marks,
        facts=dict(chosen.facts),
        seconds=perf_counter() - began,
        unit="nats" if isinstance(measured, CrossEntropy) else "",
        applied=applied(
            statistics, engine.norms, engine.found, engine.sample.batch_size
        ),
    )


def _measure(
    engine: Engine,
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    *,
    exact: bool,
    watch: Monitor,
) -> tuple[Cells, float]:
    cells = watch.begun(len(b), len(a))
    clock = Clock(watch)

    def compute(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
        clock.plan(len(rows))

        def done(which: NDArray[np.int64], losses: NDArray[np.float64]) -> None:
            r, c = rows[which], columns[which]
            cells.loss[r, c] = losses
            cells.computed[r, c] = True
            if watch.cells is not None:
                watch.cells(r, c, losses)
            clock.tick(len(which))

        engine.losses(np.stack([a[columns], b[rows]], axis=1), done=done)

    centre = np.flatnonzero(b == 0), np.flatnonzero(a == 0)
    if exact or len(b) == 1:  # a line has no grids to be refined
        rows, columns = np.nonzero(~cells.computed)
        compute(rows, columns)
        return cells, 0.0
    if not cells.computed[centre].all():
        compute(*centre)
    return cells, fill_nested(cells, a, b, compute)


def _measured_marks(engine: Engine, plane: Plane) -> tuple[Mark, ...]:
    if not plane.marks:
        return ()
    places = np.array([(mark.a, mark.b) for mark in plane.marks])
    true = {name: engine.loss_of(state) for name, state in plane.real.items()}
    return tuple(
        replace(mark, plane_loss=float(loss), true_loss=true.get(mark.name))
        for mark, loss in zip(plane.marks, engine.losses(places), strict=True)
    )


def _every(model: nn.Module, direction: Arrays) -> Mapping[str, NDArray[np.floating]]:
    """The direction with zeros for what it does not move."""

    def zeros(parameter: torch.Tensor) -> NDArray[Any]:
        kind = np.complex64 if parameter.is_complex() else np.float32
        return np.zeros(tuple(parameter.shape), kind)

    return {
        name: np.asarray(direction[name]) if name in direction else zeros(parameter)
        for name, parameter in model.named_parameters()
    }
