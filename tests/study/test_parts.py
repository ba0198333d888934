"""Parts of a study, merged, are the study that one machine would have made."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest

from normlab.analysis.result import StudyResult
from normlab.cli import main
from normlab.errors import BadFolder, BadSetting, NormlabError
from normlab.records.folder import StudyFolder
from normlab.records.parts import Merged, merge
from normlab.records.rows import StudyRecord
from normlab.report.unfinished import unfinished
from normlab.spec.plan import plan
from normlab.spec.study import StudySpec
from normlab.study import api
from normlab.terminal.unfinished import unfinished_block
from tests.resilience.law import contents
from tests.resilience.likeness import unlike
from tests.study.cases import StopsAfter, spec_of, write_data

SETTINGS = ("seeds=3", "measure=full", "surfaces.points=3", "surfaces.examples=32")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> StudySpec:
    home = tmp_path_factory.mktemp("data")
    return spec_of(write_data(home), *SETTINGS, "surfaces.planes=common")


@pytest.fixture(scope="module")
def parts(spec: StudySpec, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One of two seeds, and one of the third that was interrupted and resumed."""
    home = tmp_path_factory.mktemp("parts")
    api.run(spec, home / "first", only=(0, 2))
    with pytest.raises(KeyboardInterrupt):
        api.run(spec, home / "second", only=(1,), watcher=StopsAfter(3))
    shutil.copytree(home / "second", home / "stopped")
    api.resume(home / "second")
    return [home / "first", home / "second", home / "stopped"]


def words_of(record: StudyRecord) -> str:
    lines = (line.text for line in unfinished_block(record, Path("mine")))
    return " ".join(" ".join(lines).split())


@pytest.mark.slow
def test_merged_parts_are_the_study_that_was_trained_in_one(
    spec: StudySpec, parts: list[Path], tmp_path: Path
) -> None:
    first, second, _ = parts
    before = contents(first)
    # the other way round, so that neither order nor what comes first matters
    assert merge([second, first], tmp_path / "merged") == Merged(6, 6, ())
    assert contents(first) == before
    api.resume(tmp_path / "merged")
    api.run(spec, tmp_path / "whole")
    assert unlike(tmp_path / "merged", tmp_path / "whole") == []


def test_parts_may_come_one_after_the_other_and_again(
    spec: StudySpec, parts: list[Path], tmp_path: Path
) -> None:
    first, second, stopped = parts
    out = tmp_path / "merged"
    arms = {key.arm for key in plan(spec)}
    found = merge([stopped, first], out)
    assert {key.seed for key in found.missing} == {1} and len(arms) == 2
    assert found.added == found.ended == 6 - len(found.missing) >= 4
    assert merge([first, stopped], out).added == 0
    assert merge([second], out) == Merged(len(found.missing), 6, ())
    once = tmp_path / "once"
    merge([first, second], once)
    assert unlike(out, once) == []


def test_a_part_trains_its_seeds_and_measures_nothing_else(
    spec: StudySpec, parts: list[Path]
) -> None:
    record = StudyFolder.open(parts[0]).tables()
    assert {run.key.seed for run in record.runs if run.status == "done"} == {0, 2}
    assert {run.status for run in record.runs if run.key.seed == 1} == {"queued"}
    assert "cost" not in record.measurements and "finished" not in record.meta
    assert record.spec == spec and record.looks == ()
    said = words_of(record)
    assert "a part of a study (seeds 0, 2): 4 of 4 runs done" in said
    assert "normlab merge mine" in said and "resume" not in said
    told = unfinished(StudyResult.open(parts[0]))
    assert told is not None and told.command == "normlab merge first ... -o whole"
    stopped = StudyFolder.open(parts[2]).tables()
    said = words_of(stopped)
    assert "a part of a study (seed 1): " in said and "normlab resume mine" in said


@pytest.mark.parametrize("setting", ["recipe.rates=0.02", "data"])
def test_parts_of_another_study_are_refused(
    spec: StudySpec, parts: list[Path], tmp_path: Path, setting: str
) -> None:
    if setting == "data":  # the same settings, other images
        shutil.copytree(parts[0], tmp_path / "other")
        with closing(sqlite3.connect(tmp_path / "other" / "study.db")) as database:
            change = "UPDATE meta SET value = 'x' WHERE key = 'data_digest'"
            database.execute(change)
            database.commit()
    else:
        other = spec_of(Path(spec.data.source), *SETTINGS, "measure=none", setting)
        api.run(other, tmp_path / "other", only=(0,))
    with pytest.raises(BadFolder, match="no part of the same study"):
        merge([parts[0], tmp_path / "other"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_other_results_of_one_run_are_refused(
    parts: list[Path], tmp_path: Path
) -> None:
    shutil.copytree(parts[0], tmp_path / "other")
    with closing(sqlite3.connect(tmp_path / "other" / "study.db")) as database:
        database.execute("UPDATE runs SET batch_digest = 'x' WHERE seed = 2")
        database.commit()
    with pytest.raises(BadFolder, match=r"other results of none-lr0\.01-seed2"):
        merge([parts[0], tmp_path / "other"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_a_link_in_a_part_is_not_followed(parts: list[Path], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    shutil.copytree(parts[0], tmp_path / "other")
    run = next((tmp_path / "other" / "arrays").glob("*seed0"))
    (run / "path" / "step-0.safetensors").unlink(missing_ok=True)
    (run / "more.npz").symlink_to(tmp_path / "secret")
    with pytest.raises(BadFolder, match=r"more\.npz"):
        merge([tmp_path / "other"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_damaged_parts_are_refused_in_words(parts: list[Path], tmp_path: Path) -> None:
    draws, ends = random.Random(0), Counter[str]()
    shutil.copytree(
        parts[0], tmp_path / "other", ignore=shutil.ignore_patterns("*.npz")
    )
    sound = (parts[0] / "study.db").read_bytes()
    for number in range(60):
        spoilt = bytearray(sound)
        for _ in range(1 + number % 20):
            spoilt[draws.randrange(len(spoilt))] = draws.randrange(256)
        (tmp_path / "other" / "study.db").write_bytes(spoilt)
        with suppress(NormlabError):
            merge([tmp_path / "other"], tmp_path / f"{number}")
        ends["merged" if (tmp_path / f"{number}").exists() else "refused"] += 1
    assert ends["refused"] > 20 and ends["merged"] > 5


def test_nothing_is_merged_into_a_part(parts: list[Path]) -> None:
    first, second, _ = parts
    before = contents(second)
    with pytest.raises(BadFolder, match="is a part itself"):
        merge([first], second)
    assert contents(second) == before


def test_a_part_gets_no_more_seeds(spec: StudySpec, parts: list[Path]) -> None:
    with pytest.raises(BadSetting, match="is a part of a study"):
        api.resume(parts[0], seeds=range(4))
    with pytest.raises(BadSetting, match="names seed 3, which"):
        api.run(spec, parts[0].parent / "new", only=(3,))
    assert not (parts[0].parent / "new").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "--only-seeds", "x"], "--only-seeds=x must be whole numbers"),
        (["run", "--only-seeds", "0,0"], "names a seed twice"),
        (["run", "--only-seeds", "5"], "names seed 5, which the study does not have"),
        (
            ["run", "--only-seeds=0", "--lr=1,2", "--refine"],
            "does not go with --refine",
        ),
        (["merge", "nowhere", "-o", "out"], "nowhere: does not exist"),
    ],
)
def test_bad_words_are_one_line(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    err = capsys.readouterr().err
    assert told in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_commands_say_what_comes_next(
    spec: StudySpec,
    parts: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = str(tmp_path / "merged")
    assert main(["merge", str(parts[0]), "-o", out]) == 0
    said = capsys.readouterr().out
    assert "4 runs taken over from 1 part: 4 of 6 runs" in " ".join(said.split())
    assert "missing: none-lr0.01-seed1, batch-lr0.01-seed1" in said
    assert said.endswith(f"  normlab resume {out}\n")
    assert main(["resume", str(parts[0]), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "4 of 4 runs have ended, of 6 in all" in " ".join(said.split())
    assert f"  normlab merge {parts[0]} ... -o whole" in said
