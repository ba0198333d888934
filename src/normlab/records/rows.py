"""What is read back from a study folder: frozen values, NumPy only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from normlab.records.looks import LOOKS, Look, kept_looks, looks_text
from normlab.records.observed.observations import Observations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from normlab.records.surface import StudySurface
    from normlab.spec.plan import RunKey
    from normlab.spec.study import StudySpec

Status = Literal["queued", "running", "done", "diverged", "failed", "interrupted"]
STATUSES: tuple[Status, ...] = (
    "queued",
    "running",
    "done",
    "diverged",
    "failed",
    "interrupted",
)
ENDED: tuple[Status, ...] = ("done", "diverged")
"""What is not computed again by resume."""
FAILED = "failed"
"""The measurement that says what failed beside runs."""
NOTES = "notes"
"""The measurement that says what has to be known of runs: text to their ids."""
ONLY = "only_seeds"
"""The fact of a part of a study that keeps the seeds it computes, as JSON."""
CLASSES = "classes"
"""The fact that says how many classes the data have."""
LARGEST = "largest_class"
"""The fact that says which share of the test part its largest class is."""


def _nothing() -> NDArray[np.float32]:
    return np.empty(0, dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class EpochRow:
    """One epoch of a run; epochs count from 1."""

    epoch: int
    train_loss: float
    test_loss: float | None
    test_accuracy: float | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float
    batch_digest: str = ""


@dataclass(frozen=True, kw_only=True)
class GlimpseRow:
    """Loss and accuracy on a fixed slice of the test images after a step."""

    step: int
    loss: float
    accuracy: float


@dataclass(frozen=True, kw_only=True, eq=False)
class RunRecord:
    """Everything that is known about one run."""

    key: RunKey
    label: str = ""
    """What readers see its arm called; empty outside of a study."""
    status: Status = "queued"
    reason: str | None = None
    attempts: int = 0
    parameters: int | None = None
    init_digest: str | None = None
    batch_digest: str | None = None
    tensor_digests: Mapping[str, str] = field(default_factory=dict)
    epochs: tuple[EpochRow, ...] = ()
    glimpses: tuple[GlimpseRow, ...] = ()
    step_losses: NDArray[np.float32] = field(default_factory=_nothing)  # (steps,)
    step_seconds: float = 0.0
    """Seconds spent in the steps, without evaluation."""
    seconds: float | None = None
    """Seconds of the whole run, as it reported them when it finished."""
    correct: NDArray[np.bool_] | None = None  # (test images,)
    test_loss: float | None = None
    """Of the last finite network where the run diverged, else of the last epoch."""
    test_accuracy: float | None = None
    diverged_step: int | None = None
    observed: Observations = field(default_factory=Observations)
    """What probes kept, read from the folder when it is asked for."""

    @property
    def called(self) -> str:
        """The arm in a sentence: `with batch norm`."""
        return self.label or f"with {self.key.arm}"


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyRecord:
    """A whole study as it stands: what was asked for and what is known."""

    spec: StudySpec
    meta: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[RunRecord, ...] = ()
    measurements: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bowls: tuple[StudySurface, ...] = ()
    """The coarse surfaces of all seeds; the others are `StudyFolder.surfaces`."""
    lost: tuple[str, ...] = ()
    """Files of arrays that are missing or damaged, by their path in the folder."""

    @property
    def classes(self) -> int | None:
        """How many classes the data have, if that was noted."""
        return int(self.meta[CLASSES]) if CLASSES in self.meta else None

    @property
    def largest_class(self) -> float | None:
        """Share of the largest class in the test part: right by saying always that.

        None for a study that an earlier version began.
        """
        return float(self.meta[LARGEST]) if LARGEST in self.meta else None

    @cached_property
    def looks(self) -> tuple[Look, ...]:
        """When verdicts were given, and from which seeds; none of a study of before."""
        return kept_looks(self.meta)

    def with_looks(self, looks: tuple[Look, ...]) -> StudyRecord:
        """The study as it is once these looks were taken."""
        return replace(self, meta={**self.meta, LOOKS: looks_text(looks)})

    @property
    def notes(self) -> Mapping[str, tuple[str, ...]]:
        """Each note, and the runs (by their id) that it was made of."""
        kept = self.measurements.get(NOTES, {})
        return {text: tuple(str(ids).split()) for text, ids in sorted(kept.items())}

    @property
    def failed(self) -> Mapping[str, str]:
        """What failed beside runs, such as a surface, and why; resume tries again."""
        return self.measurements.get(FAILED, {})
