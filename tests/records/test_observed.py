from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from normlab.errors import BadFolder
from normlab.records import _arrays
from normlab.records.observed.stored import ObservedArrays


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for probe, value in (("path", 1.0), ("scale", 2.0)):
        place = _arrays.place(tmp_path, "batch-lr0.01-seed0", probe)
        _arrays.write(place, {"value": np.array([value])})
    return tmp_path


def test_what_was_observed_is_read_by_the_probes_name(folder: Path) -> None:
    kept = ObservedArrays(folder, "batch-lr0.01-seed0")
    assert kept["scale"]["value"].tolist() == [2.0]
    assert list(kept) == ["path", "scale"] and len(kept) == 2


def test_a_probe_that_did_not_look_is_not_there(folder: Path) -> None:
    kept = ObservedArrays(folder, "batch-lr0.01-seed0")
    assert "sharpness" not in kept and kept.get("sharpness") is None


def test_a_run_that_nobody_looked_at_has_nothing(folder: Path) -> None:
    assert not ObservedArrays(folder, "none-lr0.01-seed0")


def test_a_file_is_read_only_once(folder: Path) -> None:
    kept = ObservedArrays(folder, "batch-lr0.01-seed0")
    assert kept["path"] is kept["path"]


def test_a_damaged_file_is_reported(folder: Path) -> None:
    _arrays.place(folder, "batch-lr0.01-seed0", "path").write_bytes(b"PK")
    with pytest.raises(BadFolder, match="is damaged"):
        ObservedArrays(folder, "batch-lr0.01-seed0")["path"]
