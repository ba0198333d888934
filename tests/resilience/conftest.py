from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from normlab.records import _arrays
from normlab.records.folder import StudyFolder
from normlab.records.inventory import NOTED, inventory
from normlab.spec.plan import plan
from tests.cli.made_up import SPEC, study
from tests.records.test_surface import whole
from tests.resilience.law import Law


@pytest.fixture
def law(capsys: pytest.CaptureFixture[str]) -> Law:
    return Law(capsys)


def made(place: Path) -> Path:
    """Make a finished study with everything that a folder can hold."""
    folder: StudyFolder = study(place)
    steps = np.arange(0, 80, 40)
    with folder.write() as writer:
        writer.surface(whole())
        for key in plan(SPEC):
            file = _arrays.place(folder.path, key.id, "path")
            _arrays.write(file, {"steps": steps, "norm": np.ones(2)})
        writer.measurement("failed", {"surface x": "a reason"})
        writer.meta(NOTED, inventory(folder.path))
    return folder.path


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study with everything that a folder can hold."""
    return made(tmp_path_factory.mktemp("pattern") / "study")


@pytest.fixture
def folder(pattern: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(pattern, tmp_path / "home" / "study"))
