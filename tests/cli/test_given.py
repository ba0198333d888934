"""What was typed becomes a study, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from normlab.cli import given
from normlab.cli.experiments import find
from normlab.errors import BadSetting
from normlab.spec.recipe import Recipe
from normlab.spec.study import StudySpec
from normlab.spec.toml import dumps

MINE = StudySpec(experiment="mine", recipe=Recipe(epochs=7, rates=(0.5,)), seeds=(4,))


def test_options_that_are_not_given_leave_the_study_as_it_is() -> None:
    assert given.apply(MINE, {"recipe.epochs": None, "seeds": None}) == MINE


def test_an_option_replaces_its_key_alone() -> None:
    spec = given.apply(MINE, {"recipe.epochs": "2"})
    assert spec.recipe == Recipe(epochs=2, rates=(0.5,))


def test_set_is_applied_last() -> None:
    spec = given.apply(MINE, {"recipe.epochs": "2"}, ["recipe.epochs=3"])
    assert spec.recipe.epochs == 3


def test_norms_become_arms() -> None:
    spec = given.apply(MINE, {"arms": "none,batch,layer"})
    assert [arm.norm for arm in spec.arms] == ["none", "batch", "layer"]


@pytest.mark.parametrize("source", ["photos", "./photos", "photos/", "a/../photos"])
@pytest.mark.parametrize("typed", ["--data", "--set"])
def test_a_path_is_kept_as_seen_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, typed: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if typed == "--data":
        spec = given.apply(MINE, {"data.source": source, "model.name": "net.py:build"})
    else:
        settings = [f"data.source={source}", "model.name=net.py:build"]
        spec = given.apply(MINE, {}, settings)
    assert Path(spec.data.source).is_absolute()
    assert Path(spec.data.source).resolve() == tmp_path / "photos"
    assert spec.model.name == f"{tmp_path / 'net.py'}:build"


@pytest.mark.parametrize("name", ["fashion-mnist", "python", "https://a.org/b.zip"])
def test_a_name_and_an_address_stay_what_they_are(name: str) -> None:
    assert given.apply(MINE, {"data.source": name}).data.source == name


def test_article_is_built_in() -> None:
    assert find("article") == StudySpec()


def test_a_study_toml_is_read(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text(dumps(MINE))
    assert find(str(file)) == MINE


@pytest.mark.parametrize(
    ("experiment", "text"),
    [
        ("artcle", r"unknown experiment 'artcle'\. Known: article, .* Did you mean"),
        ("nowhere/study.toml", r"nowhere/study\.toml: cannot be read \(No such file"),
    ],
)
def test_what_is_no_experiment_is_refused(experiment: str, text: str) -> None:
    with pytest.raises(BadSetting, match=text):
        find(experiment)


def test_a_folder_is_no_experiment(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"is a folder.*normlab rerun"):
        find(str(tmp_path))


def test_a_study_toml_may_not_point_outside_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text('[data]\nsource = "../elsewhere"\n')
    with pytest.raises(BadSetting, match=r"leaves the folder of its study.toml"):
        find(str(file))
