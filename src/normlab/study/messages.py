"""What executors and workers say to each other and to the conductor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from normlab.records.events import Event
from normlab.records.surface import StudySurface


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a worker is to run; sent to it before anything else."""

    threads: int
    core: int | None  # the processor that is its own
    path: tuple[str, ...]  # sys.path of the conductor, for the user's own modules


@dataclass(frozen=True)
class JobStarted:
    """A worker has begun with a job."""


@dataclass(frozen=True)
class JobEnded:
    """The last message about a job that was done, or that failed."""


@dataclass(frozen=True)
class Halted:
    """The study's folder cannot be used, so that no job of it can go on."""

    reason: str


@dataclass(frozen=True)
class Stands:
    """A worker does not go on, and will not by itself; half a line says why."""

    reason: str


@dataclass(frozen=True)
class Lost:
    """The last message about a job whose worker died; half a line says why."""

    reason: str


@dataclass(frozen=True)
class Share:
    """How much of a job is done, of what is known to be needed."""

    share: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A measurement of the whole study, ready for its records."""

    name: str
    value: Mapping[str, Any]


@dataclass(frozen=True)
class Unmeasured:
    """A surface that does not exist here, and why; a result, not a failure."""

    name: str
    reason: str


Message = (
    Event
    | JobStarted
    | JobEnded
    | Halted
    | Stands
    | Lost
    | Share
    | Measured
    | Unmeasured
    | StudySurface
)
"""What is told about a job."""

Tell = Callable[[Message], None]
