"""A study is made, or it is not: at every moment every command knows which."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from normlab.errors import BadFolder
from normlab.records.folder import StudyFolder
from normlab.spec.plan import plan
from tests.records.studies import SPEC, finish, new_study
from tests.resilience import racing
from tests.resilience.law import Law, contents
from tests.resilience.racing import PLAIN

ROOT = Path(__file__).parents[2]


def script(name: str, *words: str | Path | int) -> None:
    command = [sys.executable, "-m", f"tests.resilience.{name}", *map(str, words)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("task", ["make", "fail", "go_on"])
def test_every_moment_of_the_making_is_understood(
    law: Law, tmp_path: Path, task: str
) -> None:
    script("killed", task, tmp_path)
    folders = sorted(tmp_path.iterdir())
    assert len(folders) > 10
    for folder in folders:
        law.holds("show", folder)
        law.holds("list", folder)
        before = contents(folder)
        if "study.db" in before:
            with pytest.raises(BadFolder, match="the study in it: normlab resume"):
                StudyFolder.refuse_taken(folder)
            study = StudyFolder.open(folder)
            assert contents(folder) == before
        else:
            StudyFolder.refuse_taken(folder)
            assert contents(folder) == before
            study = new_study(folder, SPEC)
        with study.write() as writer:
            writer.add_runs(plan(SPEC))
            for key in plan(SPEC):
                finish(writer, key)
        record = StudyFolder.open(folder).read()
        assert [run.key for run in record.runs] == list(plan(SPEC))
        assert {run.status for run in record.runs} == {"done"}
        assert record.lost == ()
        assert names(folder) == PLAIN
        assert all("tmp" not in path.name for path in folder.rglob("*"))


def test_of_two_that_start_or_go_on_none_loses_a_study(tmp_path: Path) -> None:
    rounds = 40
    script("racing", tmp_path, rounds)
    assert list(racing.faults(tmp_path, rounds)) == []
    kept = [tmp_path / f"{at:03}" / "study.db" for at in range(rounds)]
    assert sum(file.exists() for file in kept) >= rounds // 2


def test_a_lone_lock_and_the_rest_of_a_killed_writer_are_an_empty_folder(
    tmp_path: Path,
) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / ".normlab-0123456789abcdef.tmp").write_text("half")
    new_study(tmp_path, SPEC)
    assert names(tmp_path) == PLAIN


@pytest.mark.parametrize("left", ["missing", "empty"])
def test_settings_that_were_not_written_come_back(
    law: Law, folder: Path, left: str
) -> None:
    settings = folder / "study.toml"
    text = settings.read_text()
    settings.unlink()
    if left == "empty":
        settings.touch()
    assert law.holds("show", folder).code == 0
    assert "cannot be read" not in law.holds("list", folder.parent).out
    with StudyFolder.open(folder).write():
        pass
    assert settings.read_text() == text


@pytest.mark.parametrize(
    "name",
    [
        ".normlab-0123456789abcdef.tmp",
        "arrays/none-lr0.01-seed0/.normlab-0123456789abcdef.tmp",
        "arrays/none-lr0.01-seed0/.tmpAb12Cd",
        "arrays/none-lr0.01-seed0/.path.npz.4711.tmp",
        "checkpoints/none-lr0.01-seed0/epoch-3.partial",
        ".report.html.4711.tmp",
    ],
)
def test_what_killed_writers_left_is_removed_when_a_study_goes_on(
    folder: Path, name: str
) -> None:
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("half")
    with StudyFolder.open(folder).write():
        pass
    assert not place.exists()
