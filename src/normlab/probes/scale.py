"""Weights whose length does not matter, and the learning rate that results."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from normlab.base.reals import real
from normlab.probes import schedule
from normlab.probes.context import ProbeContext
from normlab.probes.notes import NotingProbe, Row
from normlab.probes.vectors import parameters_called
from normlab.records.observed.contract import Place
from normlab.records.observed.scale import RowArrays, ScaleArrays
from normlab.train.step_state import StepState


class Scale(NotingProbe):
    r"""Norms of scale-invariant rows and their effective learning rates.

    A row w in front of a batch or instance norm can be rescaled without changing the
    network; the step size that counts is $a / ((1 - m) \lVert w \rVert^2)$.

    Args:
        weights: Scale-invariant weight tensors, in order of first use.
        steps: When to look.
        momentum: Of SGD; None for other optimizers, which rescale gradients.

    Source: van Laarhoven 2017, arXiv 1706.05350.
    """

    kind = ScaleArrays
    touches = False

    def __init__(
        self,
        weights: Sequence[str],
        *,
        steps: Collection[int],
        momentum: float | None = None,
    ) -> None:
        super().__init__(steps)
        self._weights = weights
        self._momentum = momentum

    def observe(self, state: StepState) -> None:
        """Measure every row."""
        row: Row = {}
        found = parameters_called(state.model, self._weights)
        for number, (name, weight) in enumerate(zip(self._weights, found, strict=True)):
            length = real(weight.detach()).flatten(1).norm(dim=1)
            at = Place(number, name)
            row |= RowArrays.row(at, norm=length)
            if self._momentum is not None:
                effective = state.rate / ((1 - self._momentum) * length.square())
                row |= RowArrays.row(at, effective_rate=effective)
        self._notes.add(state.step, row)


def scale(of: ProbeContext) -> Scale:
    """The probe of one run: at round numbers of steps."""
    steps = schedule.round_numbers(of.length)
    return Scale(of.anatomy.scale_invariant, steps=steps, momentum=of.momentum)
