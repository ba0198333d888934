"""A probe that could not be made: it says so at its first look, as others that fail."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from normlab.train.step_state import StepState


class Unmade:
    """Stands in for a probe; its first look raises why there is none.

    Args:
        name: Of the probe.
        error: What its making raised.
    """

    touches = False

    def __init__(self, name: str, error: BaseException) -> None:
        self.name = name
        self._error = error

    def due(self, step: int) -> bool:
        """At once; a run that goes on from a checkpoint has said it before."""
        return step == 0

    def observe(self, state: StepState) -> None:
        """Fail."""
        raise self._error

    def arrays(self) -> Mapping[str, Tensor]:
        """Nothing."""
        return {}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take nothing back."""
