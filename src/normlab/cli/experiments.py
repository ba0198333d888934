"""The experiments that come with normlab, and those of a study.toml."""

from __future__ import annotations

from pathlib import Path

from normlab.errors import BadSetting
from normlab.spec.names import known
from normlab.spec.paths import check_paths
from normlab.spec.study import StudySpec
from normlab.spec.toml import load

# every default of a study is the article's
_BUILT_IN = {"article": StudySpec}


def find(experiment: str) -> StudySpec:
    """The study that a built-in name or a path to a study.toml stands for.

    Raises:
        BadSetting: If there is neither, or the file is refused.
    """
    if experiment in _BUILT_IN:
        return _BUILT_IN[experiment]()
    path = Path(experiment).expanduser()
    if path.is_dir():
        raise BadSetting(
            f"{experiment} is a folder. Give the path to a study.toml, or repeat a "
            f"study with: normlab rerun {experiment}"
        )
    if path.suffix == ".toml" or path.exists():
        return check_paths(load(path), path.parent)
    raise BadSetting(
        f"unknown experiment '{experiment}'. {known(_BUILT_IN, instead_of=experiment)} "
        "A study of your own is a path to its study.toml."
    )
