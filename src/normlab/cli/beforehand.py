"""What is said of a study before it is trained, and all that `--plan` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.words import count, named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from normlab.spec.arms import Arm
    from normlab.spec.study import StudySpec


def equal_arms(spec: StudySpec) -> list[str]:
    """A line for each arm that is another one at some of the study's settings.

    Ghost batch norm normalises chunks of a batch: where a batch is no larger than a
    chunk it is batch norm, and its runs show nothing new.
    """
    if not any(arm.norm == "batch" for arm in spec.arms):
        return []
    sizes = [spec.at(point).recipe.batch_size for point in spec.sweep.points]
    return [
        wrapped(f"nothing new: {line}")
        for arm in spec.arms
        if (line := _as_batch(arm, dict.fromkeys(sizes)))
    ]


def plan_lines(spec: StudySpec, root: Path) -> Iterator[str]:
    """What seeds can show, and which surfaces follow training; nothing is trained.

    Args:
        spec: The study.
        root: The folder in which studies lie side by side.
    """
    from normlab.analysis.decidable import decidable
    from normlab.analysis.foresight import foreseen

    for line in (*decidable(spec), *foreseen(spec, root)):
        yield wrapped(line)
    if surfaces := _surfaces(spec):
        yield wrapped(
            f"after training: {count(surfaces, 'loss surface')}, which may take longer "
            "than small runs do; most are left out by --set surfaces.seeds=0"
        )
    yield "planned only: nothing is trained, nothing is written"


def _as_batch(arm: Arm, sizes: dict[int, None]) -> str:
    if arm.norm != "ghost":
        return ""
    chunk = arm.options.model_dump()["chunk"]
    equal = [f"{size}" for size in sizes if size <= chunk]
    if not equal:
        return ""
    return (
        f"{arm.name} is batch norm itself at batch size {named(equal)}, no larger than "
        f"its chunk of {chunk}; give a smaller one: --norm 'ghost(chunk=N)'"
    )


def _surfaces(spec: StudySpec) -> int:
    """Of the seeds that have them: one a run on its path, one a pair of twins."""
    if spec.measure != "full":
        return 0
    arms, planes = len(spec.arms), spec.surfaces.planes
    each = sum(arms - 1 if plane == "common" else arms for plane in planes)
    shown = len(spec.seeds_with_surfaces) * len(spec.surfaces.statistics)
    return each * shown
