"""What is said about a surface: its plane, its marked places, how it was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.errors import BadFolder, NotMeasured
from normlab.figures.kit.observed import runs_of
from normlab.records.folder import StudyFolder
from normlab.records.surface import Mark, Statistics, StudySurface, Surface

if TYPE_CHECKING:
    from normlab.analysis.result import StudyResult
    from normlab.spec.study import StudySpec


def stored(
    result: StudyResult, kind: str, statistics: Statistics | None = None
) -> dict[str, Surface]:
    """The surfaces of the first seed on one kind of plane, by what a panel is called.

    That is the arm. The baseline has a surface beside each other arm, on the plane of
    these two: with several of them the other one's name is added.

    Args:
        result: A study.
        kind: path, common or random.
        statistics: What norms normalised by; None takes the study's first.

    Raises:
        NotMeasured: If there is none.
    """
    spec = result.record.spec
    statistics = statistics or spec.surfaces.statistics[0]
    arms = [arm.name for arm in spec.arms]
    shown = {run for run in runs_of(result) if run.seed == spec.seeds[0]}
    here = [
        one
        for one in _kept(result, kind)
        if one.run in shown and one.surface.statistics == statistics
    ]
    if not here:
        raise NotMeasured(f"no such surface was recorded ({_why_none(spec)})")
    here.sort(
        key=lambda one: (arms.index(one.twin or arms[0]), arms.index(one.run.arm))
    )
    several = len({one.twin for one in here}) > 1
    return {_label(one, spec, several=several): _named(one, spec) for one in here}


def _why_none(spec: StudySpec) -> str:
    """The setting by which there is no surface."""
    if spec.measure != "full":
        return f"measure = {spec.measure}"
    if not spec.surfaces.seeds:
        return "surfaces.seeds = 0"
    return f"surfaces.planes = {', '.join(spec.surfaces.planes)}"


def _named(one: StudySurface, spec: StudySpec) -> Surface:
    """With its ends called as readers call the arms."""
    ends = {f"end {arm}": f"end {label}" for arm, label in spec.labels.items()}
    marks = (replace(m, name=ends.get(m.name, m.name)) for m in one.surface.marks)
    return replace(one.surface, marks=tuple(marks))


def _kept(result: StudyResult, kind: str) -> tuple[StudySurface, ...]:
    if result.folder is None:
        return ()
    try:
        return StudyFolder.open(result.folder).surfaces(kind)
    except BadFolder as unreadable:
        raise NotMeasured(str(unreadable).rstrip(".")) from None


def _label(one: StudySurface, spec: StudySpec, *, several: bool) -> str:
    label = spec.labels[one.run.arm]
    if several and one.run.arm == spec.baseline.name and one.twin:
        return f"{label} (plane {spec.labels[one.twin]})"
    return label


def axis_titles(surface: Surface) -> tuple[str, str]:
    """What the two directions are, with their units."""
    facts = surface.facts
    ends = [mark.name for mark in surface.marks if mark.name.startswith("end ")]
    if surface.plane == "path" and "explained_1" in facts:
        return _path_titles(facts)
    if surface.plane == "common" and len(ends) == 2:
        return (
            f"weight distance, start to {ends[0]}",
            f"weight distance, across to {ends[1]}",
        )
    if surface.plane == "models" and len(surface.marks) == 3:
        origin, one, other = (mark.name for mark in surface.marks)
        return (
            f"weight distance, {origin} to {one}",
            f"weight distance, across to {other}",
        )
    if surface.plane == "parameters":
        x, y = (_parameter(direction) for direction in surface.directions)
        return (x, y) if _has_values(surface) else (f"change of {x}", f"change of {y}")
    unit = " (1: as long as the weights)" if surface.plane == "random" else ""
    return f"direction 1{unit}", f"direction 2{unit}"


def _path_titles(facts: Mapping[str, float]) -> tuple[str, str]:
    """With the shares of the path; of several paths no random walk is known."""
    one, two = (share_text(facts[name]) for name in ("explained_1", "explained_2"))
    if "null_1" not in facts:
        return (
            f"weight distance, direction 1<br>{one} of the paths",
            f"weight distance, direction 2<br>{two} of the paths",
        )
    walk_one, walk_two = (share_text(facts[name]) for name in ("null_1", "null_2"))
    return (
        f"weight distance, direction 1<br>{one} of the path (random walk: {walk_one})",
        f"weight distance, direction 2<br>{two} (walk: {walk_two})",
    )


def _parameter(direction: Mapping[str, NDArray[Any]]) -> str:
    """The one parameter that a direction moves."""
    name, array = next((n, array) for n, array in direction.items() if np.any(array))
    place = np.argwhere(array)[0]
    part = ""
    if np.iscomplexobj(array):
        part = ".imag" if np.imag(array).any() else ".real"
    return f"{name}[{','.join(map(str, place))}]{part}"


def in_values(surface: Surface) -> Surface:
    """As it is drawn: over the values of two parameters instead of their changes."""
    if not _has_values(surface):
        return surface
    one, two = surface.facts["value_1"], surface.facts["value_2"]
    return replace(
        surface,
        a=surface.a + one,
        b=surface.b + two,
        marks=tuple(replace(m, a=m.a + one, b=m.b + two) for m in surface.marks),
    )


def _has_values(surface: Surface) -> bool:
    return surface.plane == "parameters" and "value_1" in surface.facts


class LabeledMark(NamedTuple):
    """A marked place that has its name beside it."""

    label: str
    mark: Mark


def places(surface: Surface) -> list[LabeledMark]:
    """What is named on the picture: starts, ends and the like.

    On a plane that has steps alone these are the first and the last of each path.
    """
    named = [LabeledMark(m.name, m) for m in surface.marks if not is_step(m)]
    every = paths(surface)
    if named or not every:
        return named
    if len(every) == 1:
        (steps,) = every.values()
        return [LabeledMark("start", steps[0]), LabeledMark("end", steps[-1])]
    ends = [LabeledMark(f"end {name}", steps[-1]) for name, steps in every.items()]
    starts = [steps[0] for steps in every.values()]
    near = 1e-3 * max(np.ptp(surface.a), np.ptp(surface.b))
    if all(np.hypot(m.a - starts[0].a, m.b - starts[0].b) < near for m in starts):
        return [LabeledMark("start", starts[0]), *ends]
    return [*(LabeledMark(f"start {n}", steps[0]) for n, steps in every.items()), *ends]


def paths(surface: Surface) -> dict[str, list[Mark]]:
    """The steps of each path by its name; that of one alone may be empty."""
    found: dict[str, list[Mark]] = {}
    for mark in surface.marks:
        if is_step(mark):
            found.setdefault(mark.path, []).append(mark)
    return found


def is_step(mark: Mark) -> bool:
    """Whether the mark lies on the path."""
    return mark.name.startswith("step ")


def about_start(surface: Surface) -> str:
    """The loss at the start on the plane and really, and how far they are apart."""
    return next((words(*p) for p in places(surface) if p.label == "start"), "")


def words(label: str, mark: Mark, *, on: str = "plane") -> str:
    """One mark in words; `on` is what it is seen on.

    Example:
        >>> words("start", Mark(name="start", a=0, b=0, off_plane=0.4,
        ...                     plane_loss=2.308, true_loss=2.35))
        'start: loss 2.31 on the plane, 2.35 really, 0.4 off the plane'
    """
    parts = []
    if mark.plane_loss is not None:
        parts.append(f"loss {mark.plane_loss:.3g} on the {on}")
    if mark.true_loss is not None:
        parts.append(f"{mark.true_loss:.3g} really")
    parts.append(f"{mark.off_plane:.2g} off the {on}")
    return f"{label}: {', '.join(parts)}"


def measured(surfaces: Iterable[Surface]) -> list[str]:
    """What the losses are and how they were measured, one line each."""
    these = list(surfaces)
    samples = {
        f"{one.evaluation} statistics, mean over {one.examples:,} examples"
        for one in these
    }
    frozen = {int(one.facts["frozen"]) for one in these if "frozen" in one.facts}
    stay = [f"{count:,} frozen parameters stay" for count in sorted(frozen)]
    return [*sorted(samples), *stay, interpolation(these)]


def interpolation(surfaces: Iterable[Surface]) -> str:
    """How far points may be off that were not computed."""
    error = max(one.estimated_error for one in surfaces)
    if not error:
        return "every point computed"
    return f"estimated error of interpolated points {share_text(error)}"


def unit_of(surfaces: Iterable[Surface]) -> str:
    """The unit of their losses; empty where it is not known, or not the same."""
    units = {surface.unit for surface in surfaces}
    return units.pop() if len(units) == 1 else ""


def share_text(share: float) -> str:
    """A share as text.

    Example:
        >>> share_text(0.9214), share_text(0.0014)
        ('92.1 %', '0.14 %')
    """
    return f"{100 * share:.1f} %" if share >= 0.01 else f"{100 * share:.2g} %"
