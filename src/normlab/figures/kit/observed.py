"""What the probes of a study saw, run by run, in the form that figures take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.design.outcomes import untrained_at
from normlab.analysis.design.setting import setting_of, setting_text
from normlab.analysis.series.series import Series, Trajectory, over_seeds
from normlab.analysis.text.words import ARMS, named
from normlab.errors import NotMeasured
from normlab.records.observed.contract import Arrays, Place, ProbeArrays
from normlab.records.rows import StudyRecord
from normlab.spec.plan import RunKey

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

P = TypeVar("P", bound=ProbeArrays)
A = TypeVar("A", bound=Arrays)
T = TypeVar("T")


class AtSteps(Protocol):
    """What was seen or found at some steps of a run."""

    @property
    def steps(self) -> NDArray[Any]:
        """Which ones."""
        ...


S = TypeVar("S", bound=AtSteps)


def at_path(places: Mapping[Place, A], path: str) -> A | None:
    """What was kept at the place with this path; None if there is none."""
    return next((of for place, of in places.items() if place.path == path), None)


def setting_words(record: StudyRecord) -> str:
    """At which rate and point it was seen; empty where there is but one."""
    where = setting_text(record)
    return f"Seen at {where}." if where else ""


def trained_words(record: StudyRecord) -> str:
    """Which of the runs shown did not train; empty where all did.

    Raises:
        NotMeasured: If all runs at this rate and point have ended and none trained: a
            network that learnt nothing has nothing inside that could be read.
    """
    setting = setting_of(record)
    lost = untrained_at(record, *setting)
    shown = sum((run.key.rate, run.key.point) == setting for run in record.runs)
    if 0 < shown == sum(untrained for untrained, _ in lost.values()):
        where = setting_text(record)
        raise NotMeasured(f"no network trained {f'at {where}' if where else 'here'}")
    labels = record.spec.labels
    arms = [f"{n} of {ended} {labels[arm]}" for arm, (n, ended) in lost.items() if n]
    return f"Runs that did not train: {named(arms, ARMS)}." if arms else ""


def runs_of(result: StudyResult) -> list[RunKey]:
    """Runs at one rate and point: those that figures show."""
    setting = setting_of(result.record)
    keys = [run.key for run in result.record.runs]
    return [key for key in keys if (key.rate, key.point) == setting]


def seen(result: StudyResult, kind: type[P]) -> dict[RunKey, P]:
    """What one probe saw, in every run that came to a moment to look at.

    Raises:
        NotMeasured: If no run did, or none has its arrays.
    """
    keys = set(runs_of(result))
    every = {
        run.key: run.observed[kind]
        for run in result.record.runs
        if run.key in keys and kind in run.observed
    }
    found = {key: of for key, of in every.items() if len(of.steps)}
    if not found:
        measure = result.record.spec.measure
        raise NotMeasured(f"“{kind.probe}” was not recorded (measure = {measure})")
    return found


def by_arm(
    runs: Mapping[RunKey, S],
    fetch: Callable[[S], NDArray[np.floating] | None],
    *,
    ratio: bool = False,
) -> list[Series]:
    """One series per arm of what `fetch` takes from a run.

    Args:
        runs: From `seen`.
        fetch: Gives shape `(steps,)`, or None where a run has no such thing.
        ratio: Whether to average logarithms.
    """
    trajectories: dict[str, list[Trajectory]] = {}
    for key, of in runs.items():
        value = fetch(of)
        if value is not None and len(value):
            trajectory = Trajectory(of.steps, value)
            trajectories.setdefault(key.arm, []).append(trajectory)
    return [over_seeds(arm, those, ratio=ratio) for arm, those in trajectories.items()]


def first_of(runs: Mapping[RunKey, T]) -> dict[str, T]:
    """Of every arm the run of its first seed."""
    first: dict[str, T] = {}
    for key, of in runs.items():
        first.setdefault(key.arm, of)
    return first
