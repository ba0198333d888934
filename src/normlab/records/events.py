"""What a run reports while it is computed: frozen values, NumPy only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from normlab.records.rows import Status


@dataclass(frozen=True, kw_only=True)
class Started:
    """The network is built, before its first step."""

    parameters: int
    init_digest: str
    tensor_digests: Mapping[str, str] = field(default_factory=dict)
    """Name of each tensor that the twins share, to its digest at step 0."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """The minibatch losses of a block of successive steps."""

    first: int
    """The step of the first loss; steps count from 1."""
    losses: NDArray[np.float32]  # (steps,), nats per example
    seconds: float


@dataclass(frozen=True, kw_only=True)
class InterimEval:
    """Loss and accuracy on a fixed slice of the test images after a step."""

    step: int
    loss: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class EpochDone:
    """The end of an epoch; epochs count from 1."""

    epoch: int
    train_loss: float
    """Mean over the epoch's batches as they were trained on; nats per example."""
    test_loss: float | None
    test_accuracy: float | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float
    batch_digest: str
    """Of the batch order from the first epoch to the end of this one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Finished:
    """The last epoch is done."""

    batch_digest: str
    correct: NDArray[np.bool_] | None  # (test images,)
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Diverged:
    """The loss of a step was not finite: a result, and the end of the run."""

    step: int
    correct: NDArray[np.bool_] | None = None  # (test images,)
    test_loss: float | None = None
    """Of the last network whose loss was finite; None if there was none."""
    test_accuracy: float | None = None
    batch_digest: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Observed:
    """Everything that one probe saw in one run."""

    probe: str
    arrays: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Noted:
    """Something about a run that its reader has to know; one line, no full stop."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The run could not go on; the reason is one line."""

    reason: str


Event = (
    Started
    | Steps
    | InterimEval
    | EpochDone
    | Finished
    | Diverged
    | Observed
    | Noted
    | Failed
)

ENDS: Mapping[type[Event], Status] = {
    Finished: "done",
    Diverged: "diverged",
    Failed: "failed",
}
"""What ends a run, and how it stands then."""
