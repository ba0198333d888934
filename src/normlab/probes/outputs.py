"""The path through function space: what the network says about the same images."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

from normlab.base.reals import real
from normlab.probes import schedule
from normlab.probes.context import ProbeContext
from normlab.probes.notes import NotingProbe, Row, as_pending, pending
from normlab.probes.probe_mode import probe_mode_
from normlab.probes.straightness import Straightness
from normlab.records.observed.outputs import OutputArrays
from normlab.train.step_state import StepState

MAX_PROBABILITIES = 2**14
"""Kept per state: 512 images of up to 32 classes, fewer of more."""
FOLLOWED = 256
"""Images whose way is followed from step to step; with 512 the claim on it differs by
less than .01."""
MAX_FOLLOWED = 2**18  # numbers of a point, and a hundred points are kept

_NOWHERE: Row = OutputArrays.row(
    burst_steps=torch.tensor([], dtype=torch.int64),
    burst_net=torch.tensor([]),
    burst_sum=torch.tensor([]),
    burst_cosine=torch.tensor([]),
    strides=torch.tensor([], dtype=torch.int64),
    stride_net=torch.tensor([]),
    stride_sum=torch.tensor([]),
)


class Outputs(NotingProbe):
    """Softmax of the network's output on the probe batch, *batch* statistics.

    Args:
        inputs: The probe batch.
        steps: When to look at what is said of all of it.
        first_epoch: How many steps it has; the way is followed in it.
    """

    kind = OutputArrays
    touches = True

    def __init__(
        self, inputs: Tensor, *, steps: Collection[int], first_epoch: int
    ) -> None:
        self._way = Straightness(first_epoch)
        super().__init__(frozenset(steps) | self._way.due, _NOWHERE)
        self._inputs = inputs
        self._steps = steps

    def observe(self, state: StepState) -> None:
        """One forward pass for each of both."""
        probe_mode_(state.model)
        if state.step in self._steps:
            said = _said(state.model, self._inputs)
            images = max(1, MAX_PROBABILITIES // said.shape[1])
            row = self.kind.row(probabilities=said[:images].clone())
            self._notes.add(state.step, row)
        if state.step in self._way.due:
            said = _said(state.model, self._inputs[:FOLLOWED])
            images = max(1, MAX_FOLLOWED // said[0].numel())
            self._notes.facts |= self._way.look(state.step, said[:images].sqrt().cpu())

    def arrays(self) -> Mapping[str, Tensor]:
        """Rows so far, and what the rest of the way needs."""
        return {**super().arrays(), **as_pending(self._way.arrays())}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        super().restore(arrays)
        self._way.restore(pending(arrays))


def _said(model: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return real(model(inputs)).softmax(dim=1)


def outputs(of: ProbeContext) -> Outputs:
    """The probe of one run: often in the beginning."""
    return Outputs(
        of.batch.inputs,
        steps=schedule.denser_early(of.length),
        first_epoch=of.length.steps_per_epoch,
    )
