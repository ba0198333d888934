"""Measure a surface: the loss of any network on a plane of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from operator import index
from time import perf_counter
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from normlab.base.hold import preserved
from normlab.base.streams import ambient
from normlab.errors import BadModel, BadSetting
from normlab.landscape.cells import Cells
from normlab.landscape.chosen_plane import PlaneLike, chosen_plane
from normlab.landscape.cross_entropy import CrossEntropy
from normlab.landscape.engine import Engine
from normlab.landscape.intake import source_of
from normlab.landscape.moving import refuse_unmovable
from normlab.landscape.nested import fill_nested
from normlab.landscape.objective import (
    Loss,
    LossObjective,
    ModelObjective,
    Objective,
    OfModel,
)
from normlab.landscape.plane import Arrays, Plane
from normlab.landscape.sample import take_sample
from normlab.records.surface import Mark, Statistics, Surface

_DATASET_EXAMPLES = 10_000


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a surface is.

    Attributes:
        computed: Points computed so far.
        planned: Points known to be needed; it grows where a surface is rough.
        seconds_left: Estimate for these.
    """

    computed: int
    planned: int
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What a measurement tells while it runs, and what it need not do again.

    Attributes:
        known: Cells of an interrupted measurement of the same surface.
        cells: Called with rows, columns and losses each time some are computed.
        progress: Called with the progress as often.
    """

    known: Cells | None = None
    cells: Callable[[NDArray[np.int64], NDArray[np.int64], NDArray], None] | None = None
    progress: Callable[[Progress], None] | None = None


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
    watch: Watch | None = None,
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
    _refuse_settings(plane=plane, reach=reach, threads=threads, seed=seed, watch=watch)
    watch = watch or Watch()
    began = perf_counter()
    measured = _objective_of(loss, objective)
    if isinstance(model, nn.Module):
        refuse_unmovable(model)
    chosen = _chosen_plane(model, plane, statistics, seed)
    a, b = chosen.grid(points, reach)
    source = source_of(data, pair=objective is None)
    if examples is None and source.is_dataset:
        examples = min(_DATASET_EXAMPLES, len(source))
    # data, a network or a loss that draws at every call moves no generator of the
    # user's; what is made in inference mode could not be written to
    with (
        torch.inference_mode(mode=False),
        ambient(seed, "surface"),
        preserved(loss) if isinstance(loss, nn.Module) else nullcontext(),
    ):
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
        applied=engine.applied,
    )


def _refuse_settings(
    *, plane: object, reach: object, threads: object, seed: object, watch: object
) -> None:
    """What would otherwise fail somewhere far from where it was written.

    Raises:
        BadSetting: If one makes no sense.
    """
    if isinstance(plane, torch.Tensor | np.ndarray):
        raise BadSetting(
            f"plane: a {type(plane).__name__} of shape {tuple(plane.shape)} is none."
            " Inputs and targets go together: surface(model, (x, y))."
        )
    if isinstance(reach, bool) or not isinstance(reach, int | float | np.number):
        raise BadSetting(f"reach={_short(reach)} is not a positive number. Use 1.0.")
    if threads is not None and not (_is_whole(threads) and index(threads) > 0):  # pyright: ignore[reportArgumentType]
        raise BadSetting(
            f"threads={_short(threads)} is not a whole number of at least 1. Use None"
            " for as many as torch uses."
        )
    if not _is_whole(seed):
        raise BadSetting(f"seed={_short(seed)} is not a whole number. Use 0.")
    if watch is not None and not isinstance(watch, Watch):
        raise BadSetting(
            f"watch={_short(watch)} is no Watch. Pass Watch(progress=function)."
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else type(value).__name__


def _objective_of(loss: Loss | None, objective: OfModel | None) -> Objective:
    """What is measured.

    Raises:
        BadSetting: If both are given, or one cannot be called.
    """
    if loss is not None and objective is not None:
        raise BadSetting(
            "loss and objective are both given. Pass loss(outputs, targets) or"
            " objective(model, batch)."
        )
    for name, given in (("loss", loss), ("objective", objective)):
        if given is not None and not callable(given):
            raise BadSetting(
                f"{name}={_short(given)} cannot be called. Pass a function."
            )
    if objective is not None:
        return ModelObjective(objective)
    if loss is None or loss is functional.cross_entropy:
        return CrossEntropy()
    return LossObjective(loss)


def _chosen_plane(model: nn.Module, plane: object, statistics: str, seed: int) -> Plane:
    if not isinstance(model, nn.Module):
        raise BadModel(
            f"surface: {type(model).__name__} is no torch module. Pass an nn.Module."
        )
    if statistics not in get_args(Statistics):
        allowed = ", ".join(get_args(Statistics))
        raise BadSetting(f"statistics={statistics!r} is unknown. Use {allowed}.")
    return chosen_plane(model, plane, seed=seed)


def _measure(
    engine: Engine,
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    *,
    exact: bool,
    watch: Watch,
) -> tuple[Cells, float]:
    cells = _known(watch, len(b), len(a))
    clock = _Clock(watch)

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


class _Clock:
    """Counts points and estimates the time left."""

    def __init__(self, watch: Watch) -> None:
        self.tell = watch.progress
        self.began = perf_counter()
        self.computed = self.planned = 0

    def plan(self, points: int) -> None:
        self.planned += points

    def tick(self, points: int) -> None:
        self.computed += points
        if self.tell is not None:
            pace = (perf_counter() - self.began) / self.computed
            left = self.planned - self.computed
            self.tell(
                Progress(
                    computed=self.computed,
                    planned=self.planned,
                    seconds_left=pace * left,
                )
            )


def _known(watch: Watch, rows: int, columns: int) -> Cells:
    if watch.known is None:
        return Cells.empty(rows, columns)
    if watch.known.loss.shape != (rows, columns):
        raise BadSetting(
            f"surface: the known cells have the shape {watch.known.loss.shape}, this"
            f" surface has {(rows, columns)}. Go on with the settings it began with."
        )
    return watch.known.copy()


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
