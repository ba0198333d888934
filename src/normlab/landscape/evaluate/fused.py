"""The fast path: one pass over the first layer's products per point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.base.moments import Moments
from normlab.landscape.evaluate.affine import by_batch, rescale, scale_and_shift
from normlab.landscape.evaluate.moving import Moved
from normlab.landscape.evaluate.objective import Loss
from normlab.landscape.evaluate.stem import Affine, Over, Stem
from normlab.landscape.evaluate.trace import Environment, Split, Step
from normlab.landscape.intake.batch import mapped, rows, tensors
from normlab.landscape.intake.sample import Sample
from normlab.landscape.trial.witness import memory
from normlab.records.surface import Statistics

_PARAMETER_BYTES = 32 << 20  # of all points at once


class RowsAreNotExamples(Exception):
    """A norm behind the first layer sees something else than a row per example."""


@dataclass
class _PlanePoint:
    """A point that is being evaluated."""

    a: float
    b: float
    values: list[Tensor]  # of the moved parameters behind the head
    head: Affine | None = None  # of the norm behind the head
    norms: dict[str, Affine] = field(default_factory=dict)  # where known in advance
    pools: dict[str, Moments] = field(default_factory=dict)
    waiting: list[Environment] = field(default_factory=list)  # per chunk
    total: float = 0.0


class FusedEvaluator:
    """Evaluates a network behind the products of its first layer; one per thread.

    A chunk of examples and a few points at a time, so that both stay in cache. With
    *full* statistics all chunks wait at every norm until its statistics are known.

    Args:
        net: A private copy in eval mode.
        split: The network cut behind its first linear layer.
        head: The products of the data, shared by all threads.
        moved: What the plane moves.
        sample: The examples.
        statistics: What active norms normalise by.
        norms: Their names.
        loss: Mean loss of outputs and targets.
    """

    def __init__(
        self,
        net: nn.Module,
        split: Split,
        head: Stem,
        moved: Sequence[Moved],
        sample: Sample,
        *,
        statistics: Statistics,
        norms: Sequence[str],
        loss: Loss,
    ) -> None:
        self.head, self.split, self.sample, self.loss = head, split, sample, loss
        self.statistics: Statistics = statistics if norms else "running"
        self.modules = {name: net.get_submodule(name) for name in norms}
        mine = (f"{split.head}.weight", f"{split.head}.bias")
        self.moved = [one for one in moved if one.name not in mine]
        parameters = dict(net.named_parameters())
        self.targets = [parameters[one.name] for one in self.moved]
        size = sum(one.base.numel() * one.base.element_size() for one in self.moved)
        # waiting chunks are kept for every point, hence few of them
        most = 4 if self.statistics == "full" else 16
        self.points_at_once = max(1, min(most, _PARAMETER_BYTES // max(size, 1)))
        first = _stages(split.after)[0]
        # the buffer of the head's output serves again unless a later stage reads it
        self.kept = not any(split.start in step.done_with for step in first)
        shape = (2, head.chunk, head.features)
        self._row, self._out = head.products[0].new_empty(shape)
        self._size = 0  # of the chunk that runs

    def losses(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean loss at every point, shape (points,), from coordinates (points, 2)."""
        places = [
            _PlanePoint(
                float(a), float(b), [one.at(float(a), float(b)) for one in self.moved]
            )
            for a, b in points
        ]
        if self.statistics == "recalibrated":
            self._recalibrate(places)
        if self.statistics == "full":
            self._in_stages(places)
        else:
            self._in_one_go(places)
        return np.array([place.total / len(self.sample) for place in places])

    def _in_one_go(self, places: list[_PlanePoint]) -> None:
        """Chunk by chunk to the loss; no norm waits for another chunk."""
        recalibrated = self.statistics == "recalibrated"
        self._normalise_head(places, "population" if recalibrated else "batch")
        for cut in self.sample.cuts(self.head.chunk):
            for place, environment in self._begin(places, cut):
                self._run(self.split.after, environment, place)
                self._score(place, environment, cut)

    def _in_stages(self, places: list[_PlanePoint]) -> None:
        """All chunks to the next norm, then its statistics, and so on to the loss."""
        self._normalise_head(places, "sample")
        first, *stages = _stages(self.split.after)
        chunks = list(self.sample.cuts(self.head.chunk))
        for cut in chunks:
            for place, environment in self._begin(places, cut, keep=self.kept):
                self._run(first, environment, place)
                self._rest(place, environment, cut, stages[:1])
                place.waiting.append(self._apart(environment))
        for number, stage in enumerate(stages, 1):
            for place in places:
                self._enter(place)
                self._settle(stage[0], place)
                for cut, environment in zip(chunks, place.waiting, strict=True):
                    self._size = cut.stop - cut.start
                    self._run(stage, environment, place)
                    self._rest(place, environment, cut, stages[number : number + 1])

    def _recalibrate(self, places: list[_PlanePoint]) -> None:
        """Pool the statistics of every norm while each batch has its own."""
        self._normalise_head(places, "batch")
        norms = [i for i, step in enumerate(self.split.after) if step.norm]
        steps = self.split.after[: max(norms, default=-1) + 1]
        whole = self.sample.batches * self.sample.batch_size
        for cut in self.sample.cuts(self.head.chunk, upto=whole):
            for place, environment in self._begin(places, cut):
                self._run(steps, environment, place, pool=True)
        for place in places:
            self._enter(place)
            for name, pool in place.pools.items():
                place.norms[name] = self._affine(name, *pool.unbiased())

    def _rest(
        self,
        place: _PlanePoint,
        environment: Environment,
        cut: slice,
        following: list[list[Step]],
    ) -> None:
        """Wait at the norm that begins the following stage, or score at the end."""
        if not following:
            self._score(place, environment, cut)
            return
        norm = following[0][0]
        assert norm.norm is not None
        x = environment[norm.source]
        self._refuse_other_rows(x)
        # now, while the values are in cache
        place.pools.setdefault(norm.norm, Moments()).add(x)

    def _apart(self, environment: Environment) -> Environment:
        """What waits for the other chunks, out of memory that these will write to."""
        buffer = memory([self._out])
        return {
            name: mapped(torch.clone, value)
            if memory(tensors(value)) & buffer
            else value
            for name, value in environment.items()
        }

    def _settle(self, step: Step, place: _PlanePoint) -> None:
        """Fix the norm's statistics: all chunks wait for it."""
        assert step.norm is not None
        pool = place.pools[step.norm]
        place.norms[step.norm] = self._affine(step.norm, *pool.biased())

    def _affine(self, name: str, mean: Tensor, variance: Tensor) -> Affine:
        scale, shift = scale_and_shift(self.modules[name], mean, variance)
        return scale.to(self._out.dtype), shift.to(self._out.dtype)

    def _normalise_head(self, places: list[_PlanePoint], over: Over) -> None:
        if self.split.head_norm is None:
            return
        norm = self.modules[self.split.head_norm]
        for place in places:
            self._enter(place)
            place.head = self.head.affine(place.a, place.b, norm, over)

    def _begin(self, places: list[_PlanePoint], cut: slice, *, keep: bool = False):
        """The output of the head, and of its norm, at each place in turn."""
        size, written = cut.stop - cut.start, None
        self._size = size
        row, out = self._row[:size], self._out[:size]
        for place in places:
            self._enter(place)
            if place.b != written:  # points come row by row
                self.head.row_of(place.b, cut, row)
                written = place.b
            value = torch.empty_like(out) if keep else out
            self.head.output(place.a, cut, row, value)
            if place.head is not None:
                self._normalise(value, place.head, cut)
            yield place, {self.split.start: value}

    def _normalise(self, value: Tensor, affine: Affine, cut: slice) -> None:
        scale, shift = affine
        size = len(value)
        if len(scale) > 1:
            size = self.sample.batch_size
            batches = slice(cut.start // size, cut.stop // size)
            scale, shift = scale[batches], shift[batches]
        groups = value.view(-1, size, value.shape[1])
        torch.addcmul(shift, groups, scale, out=groups)

    def _enter(self, place: _PlanePoint) -> None:
        """Let the network have the parameters of this place."""
        for target, value in zip(self.targets, place.values, strict=True):
            target.data = value

    def _run(
        self,
        steps: Sequence[Step],
        environment: Environment,
        place: _PlanePoint,
        *,
        pool: bool = False,
    ) -> None:
        for step in steps:
            if step.norm is None:
                value = step.run(environment)
            else:
                value = self._norm(
                    step.norm, environment[step.source], place, pool=pool
                )
            environment[step.name] = value
            for name in step.done_with:
                del environment[name]

    def _norm(self, name: str, x: Tensor, place: _PlanePoint, *, pool: bool) -> Tensor:
        self._refuse_other_rows(x)
        if pool:
            place.pools.setdefault(name, Moments()).add(x)
        if name in place.norms:
            return rescale(x, *place.norms[name])
        return by_batch(x, self.modules[name], self.sample.batch_size)

    def _refuse_other_rows(self, x: Tensor) -> None:
        if len(x) != self._size:
            raise RowsAreNotExamples

    def _score(self, place: _PlanePoint, environment: Environment, cut: slice) -> None:
        targets = rows(self.sample.batch[1], cut)
        mean = self.loss(environment[self.split.output], targets)
        place.total += (cut.stop - cut.start) * float(mean)


def _stages(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps in pieces, each but the first beginning with a norm."""
    stages: list[list[Step]] = [[]]
    for step in steps:
        if step.norm:
            stages.append([])
        stages[-1].append(step)
    return stages
