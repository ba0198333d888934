from __future__ import annotations

from pathlib import Path

import pytest

from normlab.data.load import NAMED
from normlab.errors import BadSetting
from normlab.spec.data import Data
from normlab.spec.model import Model
from normlab.spec.names import DATA, PYTHON
from normlab.spec.paths import check_paths, is_path
from normlab.spec.study import StudySpec


def test_paths_inside_the_folder_become_absolute(tmp_path: Path) -> None:
    spec = StudySpec(
        data=Data(source="digits/train.npz"), model=Model(name="nets/a.py:build")
    )
    found = check_paths(spec, tmp_path)
    assert found.data.source == str(tmp_path / "digits" / "train.npz")
    assert found.model.name == f"{tmp_path / 'nets' / 'a.py'}:build"


def test_built_in_names_are_no_paths(tmp_path: Path) -> None:
    assert check_paths(StudySpec(), tmp_path) == StudySpec()


@pytest.mark.parametrize("way", ["../x.npz", "/etc/passwd", "a/../../x.npz"])
def test_data_outside_the_folder_is_refused(tmp_path: Path, way: str) -> None:
    with pytest.raises(BadSetting, match=r"^data.source=.* leaves the folder of its"):
        check_paths(StudySpec(data=Data(source=way)), tmp_path)


@pytest.mark.parametrize("way", ["../a.py:f", "/tmp/a.py:f"])
def test_a_model_file_outside_the_folder_is_refused(tmp_path: Path, way: str) -> None:
    with pytest.raises(BadSetting, match=r"^model.name=.* give it on the command line"):
        check_paths(StudySpec(model=Model(name=way)), tmp_path)


def test_a_network_of_a_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"^model.name='pkg.nets:make' is imported"):
        check_paths(StudySpec(model=Model(name="pkg.nets:make")), tmp_path)


@pytest.mark.parametrize("way", ["../w.safetensors", "/tmp/w.safetensors"])
def test_weights_outside_the_folder_are_refused(tmp_path: Path, way: str) -> None:
    model = Model(name="a.py:f", weights=way)
    with pytest.raises(BadSetting, match=r"^model.weights=.* leaves the folder of its"):
        check_paths(StudySpec(model=model), tmp_path)


def test_weights_inside_the_folder_become_absolute(tmp_path: Path) -> None:
    spec = StudySpec(model=Model(name="a.py:f", weights="w.safetensors"))
    found = check_paths(spec, tmp_path).model
    assert found.weights == str(tmp_path / "w.safetensors")
    assert found.start == "the weights of w.safetensors"


def test_a_symbolic_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "secret.npz").touch()
    (tmp_path / "study" / "a.npz").symlink_to(tmp_path / "secret.npz")
    with pytest.raises(BadSetting, match="leaves the folder"):
        check_paths(StudySpec(data=Data(source="a.npz")), tmp_path / "study")


def test_a_bare_name_may_be_a_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "study" / "pics").symlink_to(tmp_path / "secret")
    with pytest.raises(BadSetting, match="leaves the folder"):
        check_paths(StudySpec(data=Data(source="pics")), tmp_path / "study")


def test_a_bare_name_lies_beside_its_study_toml(tmp_path: Path) -> None:
    spec = check_paths(StudySpec(data=Data(source="pics")), tmp_path)
    assert spec.data.source == str(tmp_path / "pics")


def test_all_that_is_no_name_is_a_path() -> None:
    assert not any(map(is_path, [*NAMED, PYTHON]))
    assert all(
        map(is_path, ["pics", "./x", "a/b", "x.npz", "~", "C:\\x", "..", "MNIST"])
    )


def test_the_names_are_those_that_can_be_loaded() -> None:
    assert set(DATA) == set(NAMED)
