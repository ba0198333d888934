"""The loss of any module at points of a plane, by one forward pass after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from normlab.base.moments import Moments
from normlab.landscape.evaluate.moving import Moved, move
from normlab.landscape.evaluate.norms import (
    active_norms,
    use_batch_statistics,
    use_population_statistics,
)
from normlab.landscape.evaluate.objective import Objective
from normlab.landscape.evaluate.state import State
from normlab.landscape.evaluate.tried import first_tensor
from normlab.landscape.intake.batch import rows
from normlab.landscape.intake.sample import Sample
from normlab.landscape.trial.witness import Undo
from normlab.records.surface import Statistics


class DirectEvaluator:
    """Evaluates a network that is its own to change; one per thread.

    Args:
        net: A private copy in eval mode, or one that is put back by others.
        norms: Names of the norms that normalise by the statistics asked for.
        moved: What the plane moves.
        sample: The examples.
        statistics: What active norms normalise by.
        objective: Mean loss of the network on a batch.
        interacts: Whether examples are to be cut into batches whatever norms do.
        outside: How to put back what does not belong to the network.
        noise: Makes the surroundings in which a point draws what noise it has.
    """

    points_at_once = 1

    def __init__(
        self,
        net: nn.Module,
        norms: Sequence[str],
        moved: Sequence[Moved],
        sample: Sample,
        *,
        statistics: Statistics,
        objective: Objective,
        interacts: bool = False,
        outside: Iterable[Undo] = (),
        noise: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.net, self.moved, self.sample = net, moved, sample
        self.objective, self.noise = objective, noise
        self.parameters = dict(net.named_parameters())
        self.norms = active_norms(net, norms)
        self.asked: Statistics = statistics
        if statistics in ("batch", "full"):
            use_batch_statistics(self.norms)
        self.state = State(net, outside)
        self.size = {"batch": sample.batch_size, "full": len(sample)}.get(
            statistics, sample.batch_size if interacts else sample.chunk
        )

    def losses(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean loss at every point, shape (points,), from coordinates (points, 2)."""
        return np.array([self._loss_at(float(a), float(b)) for a, b in points])

    def _loss_at(self, a: float, b: float) -> float:
        self.state.put_back()
        with torch.no_grad():
            move(self.parameters, self.moved, a, b)
        total = 0.0
        with self.noise():
            if self.norms and self.asked == "recalibrated":
                self._recalibrate()
            for cut in self.sample.cuts(self.size):
                total += (cut.stop - cut.start) * self._value(cut)
        return total / len(self.sample)

    def _recalibrate(self) -> None:
        """One pass over the batches, each under its own statistics; then freeze."""
        size = self.sample.batch_size
        pools = [Moments() for _ in self.norms]
        hooks = [
            norm.register_forward_pre_hook(partial(_pool_input, pool), with_kwargs=True)
            for norm, pool in zip(self.norms, pools, strict=True)
        ]
        use_batch_statistics(self.norms)
        try:
            for cut in self.sample.cuts(size, upto=self.sample.batches * size):
                self.objective.outputs(self.net, rows(self.sample.batch, cut))
        finally:
            for hook in hooks:
                hook.remove()
        use_population_statistics(self.norms, pools)

    def _value(self, cut: slice) -> float:
        return self.objective.value(self.net, rows(self.sample.batch, cut))


def _pool_input(
    pool: Moments, _: nn.Module, args: tuple[Any, ...], named: dict[str, Any]
) -> None:
    pool.add(first_tensor(args, named).detach())
