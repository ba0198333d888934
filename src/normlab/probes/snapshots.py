"""The network itself on its way, one file per state: what surfaces start from."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from normlab.probes import schedule
from normlab.probes.context import ProbeContext
from normlab.probes.notes import NotingProbe
from normlab.records.observed.snapshots import SnapshotArrays
from normlab.train.checkpoint import save_network
from normlab.train.step_state import StepState


class Snapshots(NotingProbe):
    """Writes all parameters and buffers to `step-N.safetensors`.

    A run that goes on from a checkpoint writes the same files again.

    Args:
        folder: Where to; made when it is needed.
        steps: When.
    """

    kind = SnapshotArrays
    touches = False

    def __init__(self, folder: Path, *, steps: Collection[int]) -> None:
        super().__init__(steps)
        self._folder = folder

    def observe(self, state: StepState) -> None:
        """Write one file, whole or not at all."""
        save_network(state.model, self._folder / f"step-{state.step}.safetensors")
        self._notes.add(state.step, {})


def snapshots(of: ProbeContext) -> Snapshots | None:
    """The probe of one run, often in the beginning; none where no folder is given."""
    if of.snapshots is None:
        return None
    return Snapshots(of.snapshots, steps=schedule.denser_early(of.length))
