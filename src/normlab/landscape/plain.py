"""The loss of any module at points of a plane, by one forward pass after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.landscape.moments import Moments
from normlab.landscape.moving import Moved, move
from normlab.landscape.norms import (
    active_norms,
    use_batch_statistics,
    use_population_statistics,
)
from normlab.landscape.sample import Sample
from normlab.records.surface import Statistics

Loss = Callable[[Tensor, Tensor], Tensor]


class Plain:
    """Evaluates a private copy of the network; one per thread.

    Args:
        net: A private copy in eval mode.
        norms: Names of the norms that normalise by the statistics asked for.
        moved: What the plane moves.
        sample: The examples.
        statistics: What active norms normalise by.
        loss: Mean loss of outputs and targets.
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
        loss: Loss,
    ) -> None:
        self.net, self.moved, self.sample, self.loss = net, moved, sample, loss
        self.parameters = dict(net.named_parameters())
        self.norms = active_norms(net, norms)
        self.asked: Statistics = statistics
        if statistics in ("batch", "full"):
            use_batch_statistics(self.norms)
        # norms of other libraries update what they keep: put back before a batch
        self.kept = [
            (buffer, buffer.clone())
            for norm in self.norms
            if not isinstance(norm, nn.modules.batchnorm._NormBase)
            for buffer in norm.buffers()
        ]

    def losses(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean loss at every point, shape (points,), from coordinates (points, 2)."""
        return np.array([self._loss_at(float(a), float(b)) for a, b in points])

    def _loss_at(self, a: float, b: float) -> float:
        move(self.parameters, self.moved, a, b)
        if self.norms and self.asked == "recalibrated":
            self._recalibrate()
        total = 0.0
        for cut in self._cuts():
            outputs = self._forward(self.sample.x[cut])
            mean = float(self.loss(outputs, self.sample.y[cut]))
            total += (cut.stop - cut.start) * mean
        return total / len(self.sample)

    def _cuts(self) -> Iterator[slice]:
        sizes = {"batch": self.sample.batch_size, "full": len(self.sample)}
        return self.sample.cuts(sizes.get(self.asked, self.sample.chunk))

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
                self._forward(self.sample.x[cut])
        finally:
            for hook in hooks:
                hook.remove()
        use_population_statistics(self.norms, pools)

    def _forward(self, x: Tensor) -> Tensor:
        for buffer, value in self.kept:
            buffer.copy_(value)
        return self.net(x)


def _pool_input(
    pool: Moments, _: nn.Module, args: tuple[Tensor, ...], named: dict[str, Tensor]
) -> None:
    (x,) = (*args, *named.values())
    pool.add(x)
