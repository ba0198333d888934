"""What the probes of a study saw, run by run, in the form that figures take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from normlab.analysis.design.setting import setting_of, setting_text
from normlab.analysis.series.series import Series, Trajectory, over_seeds
from normlab.errors import NotMeasured
from normlab.records.rows import StudyRecord
from normlab.spec.plan import RunKey

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult

Arrays = Mapping[str, NDArray[Any]]
P = TypeVar("P", bound=Any)


class ArrayKey(NamedTuple):
    """One place of a network, e.g. the input of its first nonlinearity."""

    number: str
    """In order of first execution."""
    path: str
    """Of its module; the same in every arm."""

    def key(self, what: str) -> str:
        """Where one of its arrays is kept."""
        return f"{self.number}:{self.path}:{what}"


def places(arrays: Arrays, what: str) -> list[ArrayKey]:
    """The places that have an array of this kind, in order of execution.

    Example:
        >>> places({"001:relu1:dead": np.zeros(1), "steps": np.zeros(1)}, "dead")
        [ArrayKey(number='001', path='relu1')]
    """
    found = []
    for name in sorted(arrays):
        number, _, rest = name.partition(":")
        path, _, last = rest.rpartition(":")
        if path and last == what and number.isdecimal():
            found.append(ArrayKey(number, path))
    return found


def setting_words(record: StudyRecord) -> str:
    """At which rate and point it was seen; empty where there is but one."""
    where = setting_text(record)
    return f"Seen at {where}." if where else ""


def runs_of(result: StudyResult) -> list[RunKey]:
    """Runs at one rate and point: those that figures show."""
    setting = setting_of(result.record)
    keys = [run.key for run in result.record.runs]
    return [key for key in keys if (key.rate, key.point) == setting]


def seen(result: StudyResult, kind: type[P] | str) -> dict[RunKey, P]:
    """What one probe saw, in every run that came to a moment to look at.

    Raises:
        NotMeasured: If no run did, or none has its arrays.
    """
    keys = set(runs_of(result))
    probe = kind if isinstance(kind, str) else kind.probe
    every: Iterable[tuple[RunKey, Any]] = (
        (
            run.key,
            run.observed[probe] if isinstance(kind, str) else kind.of(run.observed),
        )
        for run in result.record.runs
        if run.key in keys and probe in run.observed
    )
    found: dict[RunKey, Any] = {key: of for key, of in every if len(_steps(of))}
    if not found:
        measure = result.record.spec.measure
        raise NotMeasured(f"“{probe}” was not recorded (measure = {measure})")
    return found


def _steps(of: Any) -> Any:
    return of.get("steps", (0,)) if isinstance(of, Mapping) else of.steps


def by_arm(
    runs: Mapping[RunKey, P],
    fetch: Callable[[P], NDArray[np.floating] | None],
    *,
    ratio: bool = False,
) -> list[Series]:
    """One series per arm of what `fetch` takes from a run's arrays.

    Args:
        runs: From `seen`.
        fetch: Gives shape `(moments,)`, or None where a run has no such thing.
        ratio: Whether to average logarithms.
    """
    trajectories: dict[str, list[Trajectory]] = {}
    for key, arrays in runs.items():
        value = fetch(arrays)
        if value is not None and len(value):
            steps = arrays["steps"] if isinstance(arrays, Mapping) else arrays.steps
            trajectory = Trajectory(steps, value)
            trajectories.setdefault(key.arm, []).append(trajectory)
    return [over_seeds(arm, those, ratio=ratio) for arm, those in trajectories.items()]


def first_of(runs: Mapping[RunKey, Arrays]) -> dict[str, Arrays]:
    """Of every arm the run of its first seed."""
    first: dict[str, Arrays] = {}
    for key, arrays in runs.items():
        first.setdefault(key.arm, arrays)
    return first


def spread(numbers: Sequence[int], most: int) -> list[int]:
    """At most so many of them, the first and the last among them.

    Example:
        >>> spread([0, 1, 2, 3, 4, 5], 3)
        [0, 2, 5]
    """
    if len(numbers) <= most:
        return list(numbers)
    picks = np.linspace(0, len(numbers) - 1, most).round().astype(int)
    return [numbers[i] for i in picks]
