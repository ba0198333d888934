"""The path through function space: what the network says about the same images."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from normlab.base.reals import real
from normlab.probes import schedule
from normlab.probes.context import ProbeContext
from normlab.probes.notes import NotingProbe
from normlab.probes.probe_mode import probe_mode_
from normlab.records.observed.outputs import OutputArrays
from normlab.train.step_state import StepState

MAX_PROBABILITIES = 2**14
"""Kept per state: 512 images of up to 32 classes, fewer of more."""


class Outputs(NotingProbe):
    """Softmax of the network's output on the probe batch, *batch* statistics.

    Args:
        inputs: The probe batch.
        steps: When to look.
    """

    kind = OutputArrays
    touches = True

    def __init__(self, inputs: Tensor, *, steps: Collection[int]) -> None:
        super().__init__(steps)
        self._inputs = inputs

    def observe(self, state: StepState) -> None:
        """One forward pass."""
        probe_mode_(state.model)
        with torch.no_grad():
            said = real(state.model(self._inputs)).softmax(dim=1)
        images = max(1, MAX_PROBABILITIES // said.shape[1])
        row = self.kind.row(probabilities=said[:images].clone())
        self._notes.add(state.step, row)


def outputs(of: ProbeContext) -> Outputs:
    """The probe of one run: often in the beginning."""
    return Outputs(of.batch.inputs, steps=schedule.denser_early(of.length))
