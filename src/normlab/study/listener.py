"""Who is told what happens in a study; torch-free.

The conducting process tells a `ProgressListener`, and no listener can change anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from normlab.records.rows import EpochRow
    from normlab.spec.plan import RunKey
    from normlab.spec.point import SweepPoint
    from normlab.spec.study import StudySpec
    from normlab.study.stages import Stage


class Workload(NamedTuple):
    """What lies ahead when training starts."""

    spec: StudySpec
    runs: Sequence[RunKey]
    steps_per_epoch: Mapping[SweepPoint, int]
    epochs_done: Mapping[RunKey, int]
    """By an earlier session; 0 of a run that is not named."""
    last: Mapping[RunKey, EpochRow] = MappingProxyType({})
    """What that session saw at the end of the last of them."""
    stages: Sequence[Stage] = ()
    """What follows when all runs are trained."""


class ProgressListener(Protocol):
    """Hears what happens in a study; may not change it."""

    def began(self, work: Workload) -> None:
        """Training starts."""

    def joined(self, keys: Sequence[RunKey]) -> None:
        """Runs were added to the plan, at rates that came out of earlier ones."""

    def event(self, key: RunKey, event: object) -> None:
        """The run `key` reported one of `normlab.records.events`."""

    def status(self, key: RunKey, status: str, reason: str | None) -> None:
        """The run `key` is now queued, running, done, diverged or failed."""

    def stage(self, stage: Stage) -> None:
        """All runs are trained, and something is measured that is now known."""

    def reached(self, name: str, share: float) -> None:
        """So much of one thing of that stage is done."""

    def note(self, text: str) -> None:
        """A phase began, or something happened that belongs to no single run."""

    def told(self, text: str) -> None:
        """Something about the whole study that should stay in sight."""

    def ended(self) -> None:
        """Nothing more will come: the study is complete or interrupted."""


class Silent:
    """Hears everything, says nothing."""

    def began(self, work: Workload) -> None:
        """Say nothing."""

    def joined(self, keys: Sequence[RunKey]) -> None:
        """Say nothing."""

    def event(self, key: RunKey, event: object) -> None:
        """Say nothing."""

    def status(self, key: RunKey, status: str, reason: str | None) -> None:
        """Say nothing."""

    def stage(self, stage: Stage) -> None:
        """Say nothing."""

    def reached(self, name: str, share: float) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def told(self, text: str) -> None:
        """Say nothing."""

    def ended(self) -> None:
        """Say nothing."""
