"""`normlab new`, and what it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from normlab.cli import main
from normlab.cli.experiments import find
from normlab.errors import BadSetting
from normlab.experiments.registry import NAMES, experiment


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_can_be_run(name: str, tmp_path: Path) -> None:
    assert main(["new", name, "--out", str(tmp_path / name)]) == 0
    written = tmp_path / name / "study.toml"
    assert find(str(written)) == experiment(name).spec()


def test_it_says_where_and_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    assert main(["new", "depth", "-o", str(path), "--full"]) == 0
    assert capsys.readouterr().out == (
        f"written: {path}\nchange it, then: normlab run {path}\n"
    )
    assert find(str(path)) == experiment("depth").spec(full=True)


def test_by_default_it_goes_into_a_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "placement"]) == 0
    assert (tmp_path / "placement" / "study.toml").is_file()


def test_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.toml").write_text("mine")
    assert main(["new", "-o", str(tmp_path)]) == 2
    assert "exists already. Choose another place with --out." in capsys.readouterr().err
    assert (tmp_path / "study.toml").read_text() == "mine"


def test_a_name_that_is_not_known_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["new", "dept"]) == 2
    assert "Did you mean 'depth'?" in capsys.readouterr().err


def test_the_long_form_is_found_for_experiments_alone(tmp_path: Path) -> None:
    assert find("depth", full=True) == experiment("depth").spec(full=True)
    (tmp_path / "study.toml").write_text("")
    with pytest.raises(BadSetting, match="--full is for the experiments that come"):
        find(str(tmp_path / "study.toml"), full=True)
