"""A surface comes back from its file as it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from normlab.errors import BadSetting
from normlab.records.surface import Mark, StudySurface, Surface, packed, unpacked
from normlab.spec.plan import RunKey
from normlab.spec.study import StudySpec
from tests.records.studies import new_study


def surface(**changes: object) -> Surface:
    values: dict[str, object] = {
        "a": np.linspace(-1, 1, 5),
        "b": np.linspace(-2, 2, 3),
        "loss": np.where(np.eye(3, 5) > 0, np.nan, 1.5),
        "directions": ({"w": np.ones((2, 2), np.float32)}, {"w": np.zeros((2, 2))}),
        "plane": "common",
        "statistics": "batch",
        "batch_size": 64,
        "examples": 640,
        "estimated_error": 0.004,
        "computed": np.eye(3, 5) > 0,
        "marks": (Mark(name="end batch", a=0.5, b=1.0, plane_loss=0.25),),
        "facts": {"explained_1": 0.9},
        "seconds": 1.25,
        "unit": "",
    }
    return Surface(**{**values, **changes})  # type: ignore[arg-type]


def whole() -> StudySurface:
    run = RunKey("batch", 0.01, 0, (("recipe.batch_size", 8),))
    return StudySurface(kind="common", run=run, twin="batch", surface=surface())


def test_packing_keeps_everything() -> None:
    before = whole()
    after = unpacked(packed(before))
    assert (after.kind, after.run, after.twin) == (before.kind, before.run, before.twin)
    for name, value in vars(before.surface).items():
        np.testing.assert_equal(getattr(after.surface, name), value)


def test_a_surface_cannot_be_written_to_but_what_it_was_made_of_can() -> None:
    loss = np.ones((3, 5))
    found = surface(loss=loss)
    arrays = [found.a, found.b, found.loss, found.computed, found.directions[1]["w"]]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    loss[0] = 2.0


def test_a_file_of_before_units_is_in_nats() -> None:
    arrays = packed(whole())
    about = json.loads(str(arrays["about"]))
    del about["unit"]
    arrays["about"] = np.array(json.dumps(about))
    assert unpacked(arrays).surface.unit == "nats"


def test_a_study_folder_keeps_surfaces_by_name(tmp_path: Path) -> None:
    folder = new_study(tmp_path / "s", StudySpec())
    with folder.write() as writer:
        writer.surface(whole())
    (found,) = folder.surfaces("common")
    assert found.name == "common-batch-batch-lr0.01-batch_size8-seed0-batch"
    assert folder.surfaces("path") == ()
    np.testing.assert_equal(found.surface.loss, surface().loss)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadSetting, match=r"must have the shape \(len\(b\), len\(a\)\)"):
        surface(loss=np.zeros((5, 3)))
