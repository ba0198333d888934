"""The path through function space: what the network says about the same images."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from normlab.base.reals import real
from normlab.probes.notes import Notes
from normlab.probes.probe_mode import probe_mode_
from normlab.train.step_state import StepState

MAX_PROBABILITIES = 2**14
"""Kept per state: 512 images of up to 32 classes, fewer of more."""


class Outputs:
    """Softmax of the network's output on the probe batch, *batch* statistics.

    Args:
        inputs: The probe batch.
        steps: When to look.
    """

    name = "outputs"
    touches = True

    def __init__(self, inputs: Tensor, *, steps: Collection[int]) -> None:
        self._inputs = inputs
        self._due = steps
        self._notes = Notes()

    def due(self, step: int) -> bool:
        """Densely at first, then ever more rarely."""
        return step in self._due

    def observe(self, state: StepState) -> None:
        """One forward pass."""
        probe_mode_(state.model)
        with torch.no_grad():
            said = real(state.model(self._inputs)).softmax(dim=1)
        images = max(1, MAX_PROBABILITIES // said.shape[1])
        self._notes.add(state.step, {"probabilities": said[:images].clone()})

    def arrays(self) -> Mapping[str, Tensor]:
        """Everything so far."""
        return self._notes.arrays()

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        self._notes.restore(arrays)
