"""Weights whose length does not matter, and the learning rate that results."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from normlab.base.reals import real
from normlab.probes.notes import Notes, Row, key
from normlab.probes.vectors import parameters_called
from normlab.train.step_state import StepState


class Scale:
    r"""Norms of scale-invariant rows and their effective learning rates.

    A row w in front of a batch or instance norm can be rescaled without changing the
    network; the step size that counts is $a / ((1 - m) \lVert w \rVert^2)$.

    Args:
        weights: Scale-invariant weight tensors, in order of first use.
        steps: When to look.
        momentum: Of SGD; None for other optimizers, which rescale gradients.

    Source: van Laarhoven 2017, arXiv 1706.05350.
    """

    name = "scale"
    touches = False

    def __init__(
        self,
        weights: Sequence[str],
        *,
        steps: Collection[int],
        momentum: float | None = None,
    ) -> None:
        self._weights = weights
        self._due = steps
        self._momentum = momentum
        self._notes = Notes()

    def due(self, step: int) -> bool:
        """At round numbers and epoch ends."""
        return step in self._due

    def observe(self, state: StepState) -> None:
        """Measure every row."""
        row: Row = {"rate": torch.tensor(state.rate)}
        found = parameters_called(state.model, self._weights)
        for number, (name, weight) in enumerate(zip(self._weights, found, strict=True)):
            length = real(weight.detach()).flatten(1).norm(dim=1)
            row[key(number, name, "norm")] = length
            if self._momentum is not None:
                effective = state.rate / ((1 - self._momentum) * length.square())
                row[key(number, name, "effective_rate")] = effective
        self._notes.add(state.step, row)

    def arrays(self) -> Mapping[str, Tensor]:
        """Everything so far."""
        return self._notes.arrays()

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        self._notes.restore(arrays)
