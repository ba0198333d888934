from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings

from normlab.errors import BadSetting
from normlab.spec import toml
from normlab.spec._frozen import Frozen
from normlab.spec.study import StudySpec
from tests.spec.specs import studies


@given(spec=studies)
@settings(max_examples=60, deadline=None)
def test_a_study_survives_being_written(spec: StudySpec) -> None:
    assert toml.loads(toml.dumps(spec), where="study.toml") == spec


def test_every_default_is_written_out() -> None:
    written = tomllib.loads(toml.dumps(StudySpec()))
    for name, field in StudySpec.model_fields.items():
        value = getattr(StudySpec(), name)
        assert (field.alias or name) in written
        if isinstance(value, Frozen) and name != "sweep":
            tables = {n for n, one in value if isinstance(one, Frozen)}  # empty ones
            assert set(written[name]) == set(type(value).model_fields) - tables


def test_every_key_has_a_comment() -> None:
    for line in toml.dumps(StudySpec()).splitlines():
        if line and line != "[[arms]]":
            assert "# " in line
            assert line.endswith((".", '"'))


def test_an_empty_file_is_the_article() -> None:
    assert toml.loads("", where="study.toml") == StudySpec()


def test_arms_can_be_norms_alone() -> None:
    spec = toml.loads('arms = ["none", "layer"]', where="study.toml")
    assert [arm.name for arm in spec.arms] == ["none", "layer"]


def test_an_arm_without_a_name_is_named_after_its_norm() -> None:
    spec = toml.loads('[[arms]]\nnorm = "rms"', where="study.toml")
    assert spec.arms[0].name == "rms"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seeds = [", "here.toml: not valid TOML: "),
        ("schema = 2", "here.toml: schema=2, and this normlab reads schema 1. Use the"),
        ("schema = true", "here.toml: schema=True, and this normlab reads schema 1."),
        ("[recipe]\nepochs = 0", "here.toml: recipe.epochs=0 must be at least 1."),
        ("[recipe]\nepoch = 1", "here.toml: unknown key 'recipe.epoch'."),
        ("[recipes]", "here.toml: unknown key 'recipes'."),
        ("[recipe]\nrates = [nan]", "here.toml: recipe.rates.0=nan must be a finite"),
        ("seeds = 5", "here.toml: seeds=5 must be a list."),
        ("seeds = [true]", "must be a number, not true or false"),
        ("recipe = 1", "here.toml: recipe=1 must be a table of settings."),
        ('[[arms]]\nnorm = "bach"', "arms.norm=bach is unknown."),
        ("[[arms]]\nnorm = 2", "arms.norm=2 must be a text in quotes."),
        ('[[arms]]\nname = "x"', "arms.norm is missing."),
        ("[data]\nsource = 1979-05-27", "data.source=1979-05-27 must be a text"),
    ],
)
def test_a_bad_file_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(BadSetting) as caught:
        toml.loads(text, where="here.toml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"experiment = '\xe4'")
    with pytest.raises(BadSetting, match=r"latin\.toml: not a text file in UTF-8"):
        toml.load(tmp_path / "latin.toml")
    with pytest.raises(BadSetting, match=r"none\.toml: cannot be read \(No such file"):
        toml.load(tmp_path / "none.toml")
    with pytest.raises(BadSetting, match=r"cannot be read \(a folder, not a regular"):
        toml.load(tmp_path)


def test_a_list_is_written_as_tomlkit_writes_it() -> None:
    spec = StudySpec(seeds=(3, 1, 2), recipe={"rates": (0.1, 1.0)})
    written = toml.dumps(spec)
    assert "seeds = [3, 1, 2] #" in written
    assert "rates = [0.1, 1.0] #" in written
    assert toml.loads(written, where="here") == spec


def test_many_seeds_are_written_and_read_back() -> None:
    # in the square of their number these would take a quarter of a minute
    spec = StudySpec(seeds=tuple(range(10_000)))
    assert toml.loads(toml.dumps(spec), where="here") == spec
