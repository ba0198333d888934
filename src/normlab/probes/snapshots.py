"""The network itself on its way, one file per state: what surfaces start from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from torch import Tensor

from normlab.probes.notes import Notes
from normlab.train.checkpoint import save_network
from normlab.train.step_state import StepState


class Snapshots:
    """Writes all parameters and buffers to `step-N.safetensors`.

    A run that goes on from a checkpoint writes the same files again.

    Args:
        folder: Where to; made when it is needed.
        steps: When.
    """

    name = "snapshots"
    touches = False

    def __init__(self, folder: Path, *, steps: Collection[int]) -> None:
        self._folder = folder
        self._due = steps
        self._notes = Notes()

    def due(self, step: int) -> bool:
        """Densely at first, then ever more rarely."""
        return step in self._due

    def observe(self, state: StepState) -> None:
        """Write one file, whole or not at all."""
        save_network(state.model, self._folder / f"step-{state.step}.safetensors")
        self._notes.add(state.step, {})

    def arrays(self) -> Mapping[str, Tensor]:
        """The steps that have a file."""
        return self._notes.arrays()

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        self._notes.restore(arrays)
