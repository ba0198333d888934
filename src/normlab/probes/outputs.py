"""The path through function space: how far what the network says moves in epoch 1."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from normlab.base.reals import real
from normlab.probes.context import ProbeContext
from normlab.probes.notes import NotingProbe, Row, as_pending, pending
from normlab.probes.probe_mode import probe_mode_
from normlab.probes.straightness import Straightness
from normlab.records.observed.outputs import OutputArrays
from normlab.train.step_state import StepState

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
    """Square roots of the softmax on images of the probe batch, *batch* statistics.

    Args:
        inputs: The probe batch, of which the first images are taken.
        first_epoch: How many steps it has; the way is followed in it.
    """

    kind = OutputArrays
    touches = True

    def __init__(self, inputs: Tensor, *, first_epoch: int) -> None:
        self._way = Straightness(first_epoch)
        # one look where nothing is followed: a record without any says nothing of why
        super().__init__(self._way.due | {0}, _NOWHERE)
        self._inputs = inputs[:FOLLOWED]

    def observe(self, state: StepState) -> None:
        """One forward pass."""
        self._notes.add(state.step, {})
        if state.step not in self._way.due:
            return
        probe_mode_(state.model)
        said = _said(state.model, self._inputs)
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
    """The probe of one run: in bursts, and at every twentieth step."""
    return Outputs(of.batch.inputs, first_epoch=of.length.steps_per_epoch)
