"""Settings that had another name: understood, named, never two at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from normlab.cli import main
from normlab.errors import BadSetting
from normlab.records.folder import StudyFolder
from normlab.spec import toml
from normlab.spec.renamed import RENAMED, RenamedSetting
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec
from tests.records.studies import new_study

PAIRS = sorted(RENAMED.items())


def valued(spec: StudySpec, key: str) -> object:
    section, _, name = key.partition(".")
    return getattr(getattr(spec, section), name)


def settings_of(key: str, value: str) -> str:
    section, _, name = key.partition(".")
    return f"[{section}]\n{name} = {value}\n"


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_an_old_name_sets_what_the_new_one_sets(old: str, new: str) -> None:
    with pytest.warns(RenamedSetting, match=f"^{old} is now called {new};"):
        typed = with_settings(StudySpec(), [f"{old}=true"])
    with pytest.warns(RenamedSetting, match=f"^{old} is now called {new};"):
        written = toml.loads(settings_of(old, "true"), where="study.toml")
    assert valued(typed, new) is valued(written, new) is True
    assert typed == written == with_settings(StudySpec(), [f"{new}=true"])


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_one_setting_has_one_name_at_a_time(old: str, new: str) -> None:
    both = settings_of(old, "true") + f"{new.partition('.')[2]} = true\n"
    with pytest.raises(BadSetting, match=f"^study.toml: {old} and {new} are one"):
        toml.loads(both, where="study.toml")


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_only_new_names_are_written(old: str, new: str) -> None:
    text = toml.dumps(StudySpec())
    assert f"\n{new.partition('.')[2]} = " in text
    assert f"\n{old.partition('.')[2]} = " not in text


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_study_that_began_under_the_old_name_is_read_in_silence(
    old: str, new: str, tmp_path: Path
) -> None:
    spec = with_settings(StudySpec(), [f"{new}=true"])
    new_study(tmp_path / "s", spec)
    settings = tmp_path / "s" / "study.toml"
    names = (f"\n{key.partition('.')[2]} = " for key in (new, old))
    settings.write_text(settings.read_text().replace(*names))
    assert StudyFolder.open(tmp_path / "s").spec == spec


def test_the_command_says_it_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before it goes on; here to a refusal, since there are no such data."""
    words = ["run", "--data", str(tmp_path / "no.npz"), "--set", "data.colour=true"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == (
        "normlab: note: data.colour is now called data.color; "
        "the old name works until version 0.2."
    )
    assert second.startswith("normlab: error: ")
