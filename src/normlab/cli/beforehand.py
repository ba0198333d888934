"""What is said of a study before it is trained, and all that `--plan` says."""

from __future__ import annotations

from shutil import disk_usage
from typing import TYPE_CHECKING

from normlab.analysis.text.layout import wrapped
from normlab.analysis.text.words import count, named
from normlab.disk.room import free, size_text
from normlab.spec.plan import plan
from normlab.study.pace import workers_of
from normlab.terminal.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from normlab.spec.arms import Arm
    from normlab.spec.study import StudySpec
    from normlab.study.forecast import Forecast


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
    """What seeds can show, and what the study will take; nothing is kept.

    Args:
        spec: The study.
        root: The folder in which studies lie side by side.

    Raises:
        NormlabError: What `run` would raise before training.
    """
    from normlab.analysis.decidable import decidable
    from normlab.analysis.foresight import foreseen
    from normlab.study import api
    from normlab.terminal.watching import watching

    with watching(quiet=False) as watcher:
        forecast = api.foretell(spec, watcher=watcher)
    lines = (*decidable(spec), *foreseen(spec, root), *_taken(forecast, spec, root))
    yield from map(wrapped, lines)
    yield "planned only: nothing of the trial is kept, nothing is written"


def time_line(spec: StudySpec) -> str:
    """How long a study will take, by a short trial of which nothing is kept.

    Raises:
        NormlabError: What `run` would raise before training.
    """
    from normlab.study import api

    forecast = api.foretell(spec)
    return wrapped(
        f"time: about {duration(forecast.training + sum(forecast.after.values()))}, "
        "estimated from a short trial of each arm; fewer arms or seeds take less"
    )


def _taken(forecast: Forecast, spec: StudySpec, root: Path) -> Iterator[str]:
    """Time, memory and disk."""
    after = forecast.after
    parts = {"training": forecast.training, **after}
    each = ", ".join(f"{duration(seconds)} {name}" for name, seconds in parts.items())
    refined = "; without the rates that --refine adds" if spec.recipe.refine else ""
    yield (
        f"time: about {duration(sum(parts.values()))} ({each}), estimated from a short "
        f"trial of each arm{refined}"
    )
    workers = min(workers_of(spec.execution), len(plan(spec)))
    yield (
        f"memory: about {size_text(forecast.memory)} for each of "
        f"{count(workers, 'worker')}; {size_text(free())} are free"
    )
    yield (
        f"disk: about {size_text(forecast.kept)} to keep, and up to "
        f"{size_text(forecast.passing)} more on the way; "
        f"{size_text(disk_usage(_existing(root)).free)} are free"
    )
    if forecast.remedy:
        yield forecast.remedy


def _existing(folder: Path) -> Path:
    """The folder itself, or the nearest above that is there."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())


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
