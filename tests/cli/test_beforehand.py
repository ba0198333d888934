"""What is said of a study before it is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from normlab.cli import main
from normlab.cli.beforehand import equal_arms
from normlab.spec.settings import with_settings
from normlab.spec.study import StudySpec


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
    monkeypatch.chdir(tmp_path)
    words = "run --plan --seeds 3 --norm none,batch,ghost --batch-size 8,64"
    assert main(words.split()) == 0
    out, err = capsys.readouterr()
    text = " ".join(out.split())
    assert "x 3 seeds = 18 runs of 5 epochs" in text
    assert "ghost is batch norm itself at batch size 8, no larger" in text
    # a path for each of three arms, a common plane for each but the baseline
    assert "after training: 5 loss surfaces" in text
    assert out.endswith("planned only: nothing is trained, nothing is written\n")
    assert max(map(len, out.splitlines())) < 80
    assert err == ""
    assert not any(tmp_path.iterdir())
