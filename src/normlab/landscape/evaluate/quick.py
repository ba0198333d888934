"""Whether the fast path applies to a network, and how it is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from normlab.landscape.evaluate.direct import DirectEvaluator
from normlab.landscape.evaluate.fused import FusedEvaluator
from normlab.landscape.evaluate.moving import Moved, private_copy
from normlab.landscape.evaluate.objective import Loss, LossObjective, Objective
from normlab.landscape.evaluate.stem import CHUNK, Stem
from normlab.landscape.evaluate.trace import apply_before, split_at_first_linear
from normlab.landscape.intake.batch import close, tolerance
from normlab.landscape.intake.sample import Sample
from normlab.records.surface import Statistics

Window = tuple[tuple[float, float], tuple[float, float]]
"""Least and greatest coordinate along the first direction and along the second."""

_PRODUCTS_BYTES = 256 << 20
_EXACT = {torch.float32, torch.float64}


@dataclass(frozen=True)
class Quick:
    """Makes shortcuts of a network.

    Attributes:
        net: A private copy in eval mode, whose loss depends on nothing but the point.
        norms: Names of the norms that follow the statistics.
        moved: What the plane moves.
        statistics: What these norms normalise by.
        loss: Mean loss of outputs and targets, a mean over the examples.
    """

    net: nn.Module
    norms: tuple[str, ...]
    moved: Sequence[Moved]
    statistics: Statistics
    loss: Loss

    def maker(
        self,
        sample: Sample,
        window: Window,
        plain: Callable[[Sample, Objective], DirectEvaluator],
    ) -> Callable[[], FusedEvaluator] | None:
        """What makes one for each thread; None if there is none that can be trusted.

        It is trusted if at the corners of the window and at a place inside it gives
        the outputs that the plain way gives.

        Args:
            sample: The examples.
            window: Where the points will lie.
            plain: Makes the plain way on other examples and another objective.
        """
        types = {p.dtype for p in self.net.parameters()}
        if not isinstance(sample.inputs, Tensor) or not types <= _EXACT:
            return None
        few = sample.first(2 * sample.batch_size)
        outputs: list[Tensor] = []

        def keep(found: Tensor, _: object) -> Tensor:
            outputs.append(found.clone())
            return torch.zeros(())

        # two batches to a chunk where batches are kept apart, two chunks where not:
        # a network with statistics of its own over the batch shows itself
        kept_apart = 2 if self.statistics == "batch" else 1
        test = self._maker(few, keep, chunk=kept_apart * sample.batch_size)
        fast = self._maker(sample, self.loss, chunk=sample.within_memory(CHUNK))
        if test is None or fast is None:
            return None

        def seen(way: DirectEvaluator | FusedEvaluator, place: np.ndarray) -> Tensor:
            outputs.clear()
            way.losses(place[None])
            return torch.cat(outputs)

        one, other = test(), plain(few, LossObjective(keep))
        limit, expected = tolerance(self.net), torch.zeros(0)
        try:
            for place in _places(window):
                expected = seen(other, place)
                found = seen(one, place)
                if found.shape != expected.shape or not close(found, expected, limit):
                    return None
        except Exception:  # not a tensor, or not a row for each example: leave it
            return None
        return fast if bool(torch.isfinite(expected).all()) else None

    def _maker(
        self, sample: Sample, loss: Loss, *, chunk: int
    ) -> Callable[[], FusedEvaluator] | None:
        split = split_at_first_linear(private_copy(self.net), self.norms)
        if split is None:
            return None
        layer = self.net.get_submodule(split.head)
        assert isinstance(layer, nn.Linear)
        size = layer.out_features * sample.inputs.element_size()
        if 3 * len(sample) * size > _PRODUCTS_BYTES:
            return None
        x = apply_before(self.net, split.before, sample.inputs)
        if x.ndim != 2 or len(x) != len(sample):
            return None
        whole = sample.batches * sample.batch_size
        head = Stem(
            x,
            self._moved(f"{split.head}.weight", layer.weight),
            None
            if layer.bias is None
            else self._moved(f"{split.head}.bias", layer.bias),
            sample,
            pooled=None
            if split.head_norm is None
            else len(sample)
            if self.statistics == "full"
            else whole,
            chunk=chunk,
        )

        def make() -> FusedEvaluator:
            net = private_copy(self.net)
            cut = split_at_first_linear(net, self.norms)
            assert cut is not None
            return FusedEvaluator(
                net,
                cut,
                head,
                self.moved,
                sample,
                statistics=self.statistics,
                norms=self.norms,
                loss=loss,
            )

        return make

    def _moved(self, name: str, parameter: Tensor) -> Moved:
        found = {one.name: one for one in self.moved}
        return found.get(name) or Moved(name, parameter.data, None, None)


def _places(window: Window) -> np.ndarray:
    """The corners, and a place that is no symmetry of the plane."""
    (left, right), (low, high) = window
    corners = [(a, b) for a in (left, right) for b in (low, high)]
    return np.array([*corners, (0.3 * right, 0.7 * low)])
