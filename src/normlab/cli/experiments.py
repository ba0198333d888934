"""The experiments that come with normlab, and those of a study.toml."""

from __future__ import annotations

from pathlib import Path

from normlab.analysis.text.layout import wrapped
from normlab.errors import BadSetting
from normlab.experiments.registry import NAMES, experiment
from normlab.spec.names import known
from normlab.spec.paths import check_paths
from normlab.spec.study import StudySpec
from normlab.spec.toml import load


def find(name: str, *, full: bool = False) -> StudySpec:
    """The study that a built-in name or a path to a study.toml stands for.

    Args:
        name: As typed.
        full: Whether a built-in experiment is wanted in its long form.

    Raises:
        BadSetting: If there is neither, or the file is refused.
    """
    if name in NAMES:
        return experiment(name).spec(full=full)
    path = Path(name).expanduser()
    if path.is_dir():
        raise BadSetting(
            f"{name} is a folder. Give the path to a study.toml, or repeat a "
            f"study with: normlab rerun {name}"
        )
    if path.suffix == ".toml" or path.exists():
        if full:
            raise BadSetting(
                f"--full is for the experiments that come with normlab, and {name} is "
                "a file, which says its own length. Leave --full out."
            )
        return check_paths(load(path), path.parent)
    raise BadSetting(
        f"unknown experiment '{name}'. {known(NAMES, instead_of=name)} "
        "A study of your own is a path to its study.toml."
    )


def not_as_published(name: str, spec: StudySpec) -> list[str]:
    """In what a built-in experiment is not the publication's; nothing of a study.toml.

    Args:
        name: As typed.
        spec: What is made of it: where it has other settings, the text says that it is
            about those that the experiment comes with.
    """
    if name not in NAMES:
        return []
    known = experiment(name)
    comes = any(_same_study(known.spec(full=full), spec) for full in (False, True))
    start = "not as published" + ("" if comes else ", before your settings")
    return [wrapped(f"{start}: {known.differs}")]


def _same_study(one: StudySpec, other: StudySpec) -> bool:
    parts = ("data", "model", "recipe", "sweep", "arms", "seeds")
    return all(getattr(one, part) == getattr(other, part) for part in parts)
