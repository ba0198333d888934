"""What an observer of a run sees, and what it promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from normlab.train.evaluate import Loss

PENDING = "pending:"
"""Begins the names of what is needed to finish a measurement and is no result."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StepState:
    """A run between two steps; what is done to `model` by who touches is undone."""

    step: int  # steps taken so far; 0 before the first
    epoch: int  # finished epochs
    model: nn.Module
    upcoming: Callable[[], tuple[Tensor, Tensor]] | None
    """Inputs and labels `(n,)` of the next step's batch; None after the last step."""
    rate: float  # learning rate of the next step
    loss: Loss


class Observer(Protocol):
    """Looks at a run at moments of its own choice.

    The run puts back what an observer that touches changes: parameters, buffers,
    gradients, modes, default generators. Hooks are its own to remove.
    """

    @property
    def name(self) -> str:
        """What its records are called."""
        ...

    @property
    def touches(self) -> bool:
        """Whether it runs or moves the model, or draws random numbers.

        One that only reads parameters and buffers spares the run to put things back.
        """
        ...

    def due(self, step: int) -> bool:
        """Whether it wants to look after `step` steps; 0 is before the first."""
        ...

    def observe(self, state: StepState) -> None:
        """Measure, and remember."""
        ...

    def arrays(self) -> Mapping[str, Tensor]:
        """Everything remembered so far; what is `PENDING` is for checkpoints alone."""
        ...

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        """Take back what `arrays` gave."""
        ...


@runtime_checkable
class Listener(Observer, Protocol):
    """An observer that is told the loss of every step; it only reads the model."""

    @property
    def listening(self) -> bool:
        """Whether it wants to hear of more."""
        ...

    def heard(self, step: int, loss: float, model: nn.Module) -> None:
        """A step was taken: the loss was before it, the model is what came of it."""
        ...


def log_spaced(step: int) -> bool:
    """Whether `step` is one of 1, 2, 5, 10, 20, 50, 100, ...

    Example:
        >>> [step for step in range(1, 300) if log_spaced(step)]
        [1, 2, 5, 10, 20, 50, 100, 200]
    """
    power = 10 ** (len(str(step)) - 1)
    return step in (power, 2 * power, 5 * power)
