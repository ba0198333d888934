"""What is said of a study before it is trained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from normlab.cli import main
from normlab.cli.beforehand import equal_arms
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec
from tests.study.cases import write_data


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["arms=none,batch,ghost", "recipe.batch_size=2,16,64"], "batch size 2, 16,"),
        (["arms=batch,ghost(chunk=4)", "recipe.batch_size=4"], "chunk of 4;"),
    ],
)
def test_ghosts_of_whole_batches_are_named(settings: list[str], said: str) -> None:
    (line,) = equal_arms(with_settings(StudySpec(), settings))
    assert said in " ".join(line.split())


@pytest.mark.parametrize(
    "settings",
    [
        ["arms=none,batch,ghost", "recipe.batch_size=17"],
        ["arms=none,ghost", "recipe.batch_size=2"],
        ["arms=none,batch"],
    ],
)
def test_arms_that_differ_are_not(settings: list[str]) -> None:
    assert equal_arms(with_settings(StudySpec(), settings)) == []


def test_a_plan_says_all_and_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, here = write_data(tmp_path), tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    words = f"run --plan --data {data} --seeds 3 --norm none,batch,ghost --epochs 1"
    assert main([*words.split(), "--batch-size", "8,64"]) == 0
    out, err = capsys.readouterr()
    text = " ".join(out.split())
    assert "x 3 seeds = 18 runs of 1 epoch" in text
    assert "ghost is batch norm itself at batch size 8, no larger" in text
    assert "data: " in text and "100 train" in text
    for said in (
        r"time: about [\d:]+ \([\d:]+ training, [\d:]+ surfaces and curvatures, "
        r"[\d:]+ what a step costs, [\d:]+ the report\), estimated",
        r"memory: about [\d.]+ MB for each of \d+ workers?; ",
        r"disk: about [\d.]+ [KM]B to keep, and up to [\d.]+ [KM]B more on the way",
        # a few steps on tiny images, and surfaces of a network that is none the smaller
        "after training, surfaces and curvatures take longer than it does; ",
    ):
        assert re.search(said, text), said
    assert out.endswith("nothing is written\n")
    assert max(len(line) for line in out.splitlines() if str(tmp_path) not in line) < 80
    assert err == ""
    assert not any(here.iterdir())


def test_a_plan_checks_what_a_run_would_refuse(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--plan", "--data", "nowhere/"]) == 2
    assert "there is no data" in capsys.readouterr().err
    (tmp_path / "net.py").write_text("def make(norm): return 3")
    assert main(["run", "--plan", "--model", "net.py:make"]) == 2
    out, err = capsys.readouterr()
    assert f"executing {tmp_path / 'net.py'} (function make)" in out and "int" in err
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]
