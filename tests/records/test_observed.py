from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from normlab.errors import BadFolder
from normlab.records import _arrays
from normlab.records.observed.observations import StoredObservations
from normlab.records.observed.path import PathArrays
from normlab.records.observed.scale import ScaleArrays
from normlab.records.observed.sharpness import SharpnessArrays

RUN = "batch-lr0.01-seed0"
PROBES = ("path", "scale")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for probe, step in zip(PROBES, (1, 2), strict=True):
        place = _arrays.place(tmp_path, RUN, probe)
        _arrays.write(place, {"steps": np.array([step])})
    return tmp_path


def test_what_was_observed_is_read_by_the_probes_class(folder: Path) -> None:
    kept = StoredObservations(folder, RUN, PROBES)
    assert kept[ScaleArrays].steps.tolist() == [2]
    assert kept.probes == {"path", "scale"}


def test_a_probe_that_did_not_look_is_not_there(folder: Path) -> None:
    kept = StoredObservations(folder, RUN, PROBES)
    assert SharpnessArrays not in kept
    with pytest.raises(KeyError):
        _ = kept[SharpnessArrays]


def test_a_file_is_read_only_once(folder: Path) -> None:
    kept = StoredObservations(folder, RUN, PROBES)
    assert kept[PathArrays] is kept[PathArrays]


def test_a_damaged_file_is_reported(folder: Path) -> None:
    _arrays.place(folder, RUN, "path").write_bytes(b"PK")
    with pytest.raises(BadFolder, match="is damaged"):
        _ = StoredObservations(folder, RUN, PROBES)[PathArrays]


def test_arrays_that_do_not_go_together_are_damage(folder: Path) -> None:
    place = _arrays.place(folder, RUN, "path")
    _arrays.write(place, {"steps": np.array([1, 2]), "cosine": np.ones(3)})
    why = r"cosine is float64 \(3,\), not float \(steps 2\)"
    with pytest.raises(BadFolder, match=rf"path\.npz: is damaged \({why}\)"):
        _ = StoredObservations(folder, RUN, PROBES)[PathArrays]
