from __future__ import annotations

from pathlib import Path

import pytest

from normlab.errors import BadSetting
from normlab.spec.data import Data
from normlab.spec.model import Model
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


def test_a_symbolic_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "secret.npz").touch()
    (tmp_path / "study" / "a.npz").symlink_to(tmp_path / "secret.npz")
    with pytest.raises(BadSetting, match="leaves the folder"):
        check_paths(StudySpec(data=Data(source="a.npz")), tmp_path / "study")


def test_a_plain_name_is_a_link_out_of_the_folder_only_if_it_is_a_path() -> None:
    assert not is_path("fashion-mnist")
    assert all(map(is_path, ["./x", "a/b", "x.npz", "~", "~/x", "C:\\x", ".."]))
