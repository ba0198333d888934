"""`show`, `list` and `export` of a made-up study, by their text."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from normlab.cli import main
from normlab.facade.result import Result
from normlab.records.events import Diverged
from normlab.records.folder import StudyFolder
from normlab.spec.arms import Arm
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.spec.study import StudySpec
from normlab.terminal import claims_text as account
from normlab.terminal import run_table
from normlab.terminal.charts import loss_chart
from normlab.terminal.styled import Line, joined, put
from normlab.terminal.summary_text import summary

from .made_up import SPEC, study

GOLDEN = Path(__file__).parent / "golden"


def text_of(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def expect(name: str, text: str) -> None:
    """Compare with the stored text; where there is none, store it and fail.

    To accept new wording: delete the file, run the test, read the new file.
    """
    __tracebackhide__ = True
    stored = GOLDEN / name
    if not stored.exists():
        stored.parent.mkdir(exist_ok=True)
        stored.write_text(text, encoding="utf-8")
        pytest.fail(f"stored {stored.name}: read it, then run the test again")
    assert text == stored.read_text(encoding="utf-8"), (
        f"if the new text is meant: delete tests/cli/golden/{name}, test, and read it"
    )


def test_show_prints_what_was_found(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s")
    expect("show.txt", text_of("show", "s", capsys=capsys))
    expect("show-verbose.txt", text_of("show", "s", "--verbose", capsys=capsys))
    expect("show-quiet.txt", text_of("show", "s", "--quiet", capsys=capsys))


RATES = Recipe(epochs=2, rates=(0.01, 0.1))
NORMS = ("none", "batch", "layer", "group", "instance", "rms", "ghost", "noisy")
KINDS = {
    "rates": SPEC.model_copy(update={"recipe": RATES, "seeds": (0, 1, 2, 3)}),
    "sweep": StudySpec(
        **{
            **SPEC.model_dump(by_alias=True),
            "sweep": {"recipe.batch_size": [16, 64], "recipe.weight_decay": [0, 0.1]},
        }
    ),
    "eight-arms": SPEC.model_copy(
        update={"arms": tuple(Arm(name=norm, norm=norm) for norm in NORMS)}
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_compared_fits_eighty_columns(
    kind: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s", KINDS[kind])
    text = text_of("show", "s", capsys=capsys)
    expect(f"show-{kind}.txt", text)
    verbose = text_of("show", "s", "--verbose", capsys=capsys)
    assert max(map(len, (text + verbose).splitlines())) < 80


def test_every_judged_claim_stands_under_its_verdict_once(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s")
    claims = Result.open(here / "s").claims()
    text = text_of("show", "s", capsys=capsys)
    whole = " ".join(text.split())
    held, _, rest = whole.partition("Open or not measurable: ")
    for claim in claims:
        open_ = claim.verdict in ("inconclusive", "not-enough-seeds", "not-measurable")
        assert rest.count(f"{claim.definition.quantity}: ") >= open_
        if not open_:
            assert f"{claim.definition.quantity}: " in held


class Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("plain", [False, True])
def test_headings_have_colour_on_a_terminal_that_wants_it(
    plain: bool, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = Result.open(study(here / "s").path)
    before = random.getstate()  # styles of rich have random names
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    if plain:
        monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    put(
        [[Line("Held:", "green"), Line("a \x1b[31m name")], *summary(result, Path("s"))]
    )
    random.setstate(before)
    shown = screen.getvalue()
    assert ("\x1b[32mHeld:" in shown) == (not plain)
    assert "a \\x1b[31m name" in shown  # what others wrote steers nothing
    bare = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert " ".join(joined(summary(result, Path("s"))).split()) in " ".join(
        bare.split()
    )


def test_what_more_seeds_bring_is_said_once_for_the_claim_that_needs_fewest(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s", KINDS["eight-arms"])
    needed = [
        int(found[1])
        for claim in Result.open(here / "s").claims()
        if (found := re.search(r"DIR --seeds (\d+)", claim.note))
    ]
    lines = text_of("show", "s", capsys=capsys).splitlines()
    told = [line for line in lines if "--seeds" in line]
    assert told == [f"  normlab resume s --seeds {min(needed)}"]


def test_show_of_an_unfinished_study_says_how_to_go_on(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s", finished=3)
    text = text_of("show", "s", "-v", capsys=capsys)
    lines = text.splitlines()
    assert lines[2:4] == [
        "Not finished: 3 of 6 runs done, 3 queued; go on with:",
        "  normlab resume s",
    ]
    assert "batch     2  queued     0/2" in text


def test_show_of_a_study_that_never_began(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s", finished=0)
    text = text_of("show", "s", "-v", capsys=capsys)
    assert "nothing to draw" in text


def test_show_says_where_a_run_diverged(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = study(here / "s", finished=5)
    with folder.write() as writer:
        writer.event(RunKey("batch", 0.01, 2), Diverged(step=17))
    text = text_of("show", "s", "-v", capsys=capsys)
    assert "batch     2  diverged at step 17" in text
    assert "runs: 5 done, 1 diverged" in text


def test_several_rates_are_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = SPEC.model_copy(update={"recipe": Recipe(epochs=2, rates=(0.01, 0.1))})
    study(here / "s", spec)
    text = text_of("show", "s", "-v", capsys=capsys)
    assert "arm      lr  seed  status" in text
    assert "Training loss at lr 0.01, mean over 3 seeds" in text


def test_of_several_rates_those_of_each_arm_come_first_and_in_full(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = SPEC.model_copy(update={"recipe": Recipe(epochs=2, rates=(0.01, 0.1))})
    study(here / "s", spec)
    lines = text_of("show", "s", "-v", capsys=capsys).splitlines()
    (wider,) = (i for i, line in enumerate(lines) if "larger learning rates w" in line)
    brief = [(i, line) for i, line in enumerate(lines) if line.startswith("DESCRIPT")]
    assert wider < brief[0][0]
    rates = [("0.01)" in line, "0.1)" in line) for _, line in brief]
    assert rates.count((True, False)) == rates.count((False, True)) == len(brief) / 2
    better = next(line for _, line in brief if "better-accuracy" in line)
    assert better.startswith(
        "DESCRIPTION better-accuracy with batch norm (lr 0.01): test accuracy: +0.80"
    )


def test_a_swept_study_has_a_line_per_claim_and_point(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swept = {"recipe.batch_size": [16, 64]}
    spec = StudySpec(**{**SPEC.model_dump(by_alias=True), "sweep": swept})
    study(here / "s", spec)
    lines = text_of("show", "s", "-v", capsys=capsys).splitlines()
    better = [line for line in lines if " better-accuracy" in line]
    assert ["batch_size 16" in line for line in better] == [True, False]
    assert not any(line.startswith("  wins") for line in lines)


def test_of_many_runs_only_those_that_are_not_done_are_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = tuple(range(run_table.MANY_RUNS // 2 + 1))
    spec = SPEC.model_copy(update={"seeds": seeds})
    study(here / "s", spec, finished=2 * len(seeds) - 1)
    lines = text_of("show", "s", "-v", capsys=capsys).splitlines()
    (at,) = (i for i, line in enumerate(lines) if line.endswith("; the others:"))
    assert (
        lines[at] == f"{2 * len(seeds) - 1} of {2 * len(seeds)} runs done; the others:"
    )
    assert lines[at + 2].split()[:3] == ["batch", str(seeds[-1]), "queued"]
    assert not lines[at + 3]


def test_of_many_runs_that_are_not_done_what_went_wrong_is_named_first(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = tuple(range(2 * run_table.MANY_RUNS))
    spec = SPEC.model_copy(update={"seeds": seeds})
    folder = study(here / "s", spec, finished=6)
    with folder.write() as writer:
        writer.status(RunKey("batch", 0.01, seeds[-1]), "failed", "no memory")
    text = text_of("show", "s", "-v", capsys=capsys)
    table = text.partition("; the others:\n")[2].partition("\n\n")[0].splitlines()
    assert table[1].split()[:3] == ["batch", str(seeds[-1]), "failed"]
    queued = [line for line in table if "queued     0/" in line]
    left = 2 * len(seeds) - 6 - 1 - len(queued)
    assert len(queued) == run_table.MANY_RUNS - 1
    assert table[-1] == f"and {left} queued"


def test_of_very_many_claims_verdicts_are_counted(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates = Recipe(rates=(0.01, 0.1), epochs=2)
    study(here / "s", SPEC.model_copy(update={"recipe": rates}))
    claims = Result.open(here / "s").claims()
    monkeypatch.setattr(account, "MANY_CLAIMS", 0)
    monkeypatch.setattr(account, "MANY_LINES", 0)
    text = text_of("show", "s", "-v", capsys=capsys)
    told = text.partition(f"verdicts of {len(claims)} comparisons")[2]
    lines = re.findall(r"^  ([a-z-]+): (.*)$", told.partition("\n\n")[0], re.MULTILINE)
    counts = {
        (name, verdict): int(number)
        for name, those in lines
        for number, verdict in (one.split() for one in those.split(", "))
    }
    assert counts == Counter((claim.id, claim.verdict) for claim in claims)


def test_of_many_claims_each_has_a_line(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates = Recipe(rates=(0.01, 0.1), epochs=2)
    study(here / "s", SPEC.model_copy(update={"recipe": rates}))
    claims = Result.open(here / "s").claims()
    monkeypatch.setattr(account, "MANY_CLAIMS", 0)
    lines = text_of("show", "s", "-v", capsys=capsys).splitlines()
    for claim in claims:
        told = [claim.verdict.upper(), claim.id, *claim.labels[0].split()[:1]]
        assert [line for line in lines if line.split()[:3] == told]


def test_curves_of_a_sweep_are_those_of_one_setting(here: Path) -> None:
    spec = SPEC.model_copy(update={"recipe": Recipe(rates=(0.01, 0.1), epochs=2)})
    record = study(here / "s", spec).read()
    blown_up = (
        replace(run, step_losses=run.step_losses + (run.key.rate == 0.1) * 1e9)
        for run in record.runs
    )
    chart = loss_chart(replace(record, runs=tuple(blown_up)))
    assert chart.title == "Training loss at lr 0.01, mean over 3 seeds"
    assert list(chart.curves) == ["without batch norm", "with batch norm"]
    assert max(loss for points in chart.curves.values() for _, loss in points) < 3


def test_show_json_is_one_object_of_the_contract(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s")
    found = json.loads(text_of("show", "s", "--json", capsys=capsys))
    assert set(found) == {"schema", "study", "runs", "claims"}
    assert len(found["runs"]) == 6


def test_list_has_a_line_per_study(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "runs" / "a")
    study(here / "runs" / "b", finished=2)
    (here / "runs" / "c").mkdir()
    lines = text_of("list", "runs", capsys=capsys).splitlines()
    assert lines[::2] == ["runs/a", "runs/b"]
    assert lines[1].endswith("  done (6)  article (none, batch; 3 seeds)")
    assert lines[3].endswith("  2 done, 4 queued  article (none, batch; 3 seeds)")


def made_at(folder: StudyFolder, moment: str) -> None:
    with folder.write() as writer:
        writer.meta("created", moment)


def test_the_newest_study_comes_first_and_is_meant_where_none_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, moment in (("b", "2026-02-02"), ("c", "2026-03-03"), ("a", "2026-01-01")):
        made_at(study(here / "normlab-runs" / name), f"{moment}T00:00:00+00:00")
    lines = text_of("list", capsys=capsys).splitlines()
    assert lines[::2] == [f"normlab-runs/{name}" for name in "cba"]
    assert main(["show", "--json"]) == 0
    newest = capsys.readouterr()
    assert newest.err == "normlab: the newest study: normlab-runs/c\n"
    assert newest.out == text_of("show", "normlab-runs/c", "--json", capsys=capsys)


def test_a_study_whose_measurements_are_missing_is_not_done(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s", finished=6)
    missing = "not finished: 6 runs done, measurements missing"
    assert missing in text_of("list", capsys=capsys)
    told = text_of("show", "s", capsys=capsys)
    after = "but not all that is measured after them (0 loss surfaces so far)"
    assert f"6 of 6 runs done, {after}; go" in " ".join(told.split())
    with StudyFolder.open(here / "s").write():
        assert "measuring: 6 runs done" in text_of("list", capsys=capsys)
        assert "Running: 6 of 6 runs done" in text_of("show", "s", capsys=capsys)


@pytest.mark.parametrize("found", [True, False])
def test_open_shows_the_report_and_nothing_else(
    found: bool,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study(here / "s")
    asked: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: asked.append(url) or found)
    assert main(["report", "s"]) == 0
    assert asked == []
    assert main(["report", "s", "--open"]) == 0
    assert asked == [f"file://{here}/s/report.html"]
    told = "normlab: no browser was found; open it yourself: s/report.html\n"
    assert capsys.readouterr().err == ("" if found else told)


def test_where_study_db_alone_lacks_the_end_it_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s")
    line = "copy it as a whole: the end of study.db is still in study.db-wal"
    folder = StudyFolder.open(here / "s")
    with closing(sqlite3.connect("s/study.db")) as reader:
        with folder.write() as writer:
            writer.meta("finished", "now")
            reader.execute("begin").execute("select * from meta").fetchone()
        assert line in text_of("show", "s", capsys=capsys)
    with folder.write():
        pass  # nobody reads it at the end
    assert line not in text_of("show", "s", capsys=capsys)


def test_list_goes_on_past_a_broken_study(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "good")
    study(here / "broken")
    (here / "broken" / "study.toml").write_text("schema = 99")
    text = text_of("list", capsys=capsys)
    assert "cannot be read" in text
    assert "done (6)" in text


def test_list_of_nothing_says_so(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert text_of("list", capsys=capsys) == (
        "no studies below .; `normlab run` makes the first\n"
    )


def test_export_writes_a_line_per_run_and_epoch(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s")
    words = ("export", "s", "--format", "csv", "-o", "s.csv")
    assert text_of(*words, capsys=capsys) == "written to s.csv\n"
    with (here / "s.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6 * 2


def test_export_as_json_is_what_show_prints(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s")
    text_of("export", "s", "--format", "json", "-o", "s.json", capsys=capsys)
    shown = json.loads(text_of("show", "s", "--json", capsys=capsys))
    assert json.loads((here / "s.json").read_text()) == shown


def test_an_unknown_format_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study(here / "s")
    assert main(["export", "s", "--format", "xls", "-o", "s.xls"]) == 2
    assert "--format=xls is unknown. Known: csv, json" in capsys.readouterr().err
