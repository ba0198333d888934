"""The tables of the experiments' pages."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from normlab.analysis.analyse import judge_all
from normlab.analysis.design import family
from normlab.analysis.series.step_table import step_tables
from normlab.experiments.experiment import Statement
from normlab.experiments.registry import NAMES, experiment
from normlab.facade.result import Result
from normlab.figures.gallery import KINDS
from normlab.records.rows import RunRecord, StudyRecord
from normlab.spec.plan import RunKey
from normlab.spec.study import StudySpec
from tests.analysis.studies import accuracy_study, run, study
from tests.records.studies import new_study

PAGES = Path(__file__).parents[2] / "docs" / "experiments"


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_page", PAGES / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = _loaded()
BETTER = Statement(
    says="it is better", source="me", claim="better-accuracy", arm="batch"
)
DEPTH = replace(experiment("depth"), statements=(BETTER,))
CLEAR = [0.012, 0.011, 0.013, 0.012, 0.0125]


def three_arms() -> StudyRecord:
    """`batch` is better than `none` by 1 point, and `layer` by 2."""
    accuracies = {"none": 0.96, "batch": 0.97, "layer": 0.98}
    runs = [
        run(RunKey(arm, 0.01, seed), accuracy=accuracy + seed * step)
        for seed in range(5)
        for (arm, accuracy), step in zip(
            accuracies.items(), (0.0, 1e-4, 2e-4), strict=True
        )
    ]
    return study(runs, arms=tuple(accuracies))


@pytest.mark.parametrize(
    ("expects", "verdict"),
    [
        ({"supported"}, "**agrees** (supported)"),
        ({"no-difference", "supported"}, "**agrees** (supported)"),
        ({"contradicted"}, "**disagrees** (supported)"),
    ],
)
def test_what_was_measured_agrees_or_not(expects: set[str], verdict: str) -> None:
    stated = replace(BETTER, expects=frozenset(expects))
    (row,) = make.rows(accuracy_study(CLEAR), [stated])
    assert make.verdict(row) == verdict


def test_what_cannot_be_decided_stays_open() -> None:
    (row,) = make.rows(accuracy_study([0.01, -0.01, 0.02, -0.02]), [BETTER])
    assert make.verdict(row) == "open (inconclusive)"


def test_arms_are_compared_with_the_one_that_the_statement_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    against = replace(BETTER, arm="layer", against="batch")
    monkeypatch.setattr(family, "stated", lambda _: (against,))
    (row,) = make.rows(three_arms(), [against])
    assert row.claim is not None
    assert (row.claim.arm, row.claim.baseline) == ("layer", "batch")
    assert row.claim.estimate == pytest.approx(0.01, abs=1e-3)


def test_the_verdicts_are_those_of_the_study() -> None:
    record = three_arms()
    (row,) = make.rows(record, [BETTER])
    (claim,) = [
        c for c in judge_all(record) if (c.id, c.arm) == ("better-accuracy", "batch")
    ]
    assert row.claim == claim
    judged = sum(c.verdict != "description" for c in judge_all(record))
    assert f"corrected for all {judged} claims" in make.results(record, DEPTH)


def test_a_statement_that_the_study_says_nothing_about_is_shown() -> None:
    (row,) = make.rows(accuracy_study(CLEAR), [replace(BETTER, arm="ghost")])
    assert make.verdict(row) == "not measured in this study"


def held_out(record: RunRecord) -> RunRecord:
    """The run with a loss on held-out images."""
    last = replace(record.epochs[-1], metrics={"validation_loss": 0.1})
    return replace(record, epochs=(*record.epochs[:-1], last))


@pytest.mark.parametrize(
    ("rates", "chosen", "where"),
    [
        ("own", True, ["own-best"]),
        ("same", True, ["same-rate", "same-rate"]),
        ("own", False, ["same-rate", "same-rate"]),
    ],
)
def test_at_several_rates_each_arm_is_seen_at_its_best_or_at_all(
    rates: str, chosen: bool, where: list[str]
) -> None:
    runs = [
        held_out(made) if chosen else made
        for seed in range(4)
        for rate in (0.01, 0.1)
        for arm in ("none", "batch")
        for made in [run(RunKey(arm, rate, seed))]
    ]
    found = make.rows(study(runs), [replace(BETTER, rates=rates)])
    assert [row.claim and row.claim.compared for row in found] == where


def test_a_statement_speaks_of_some_values_of_the_swept_key() -> None:
    points = [(("recipe.batch_size", size),) for size in (4, 64, 256)]
    runs = [
        run(RunKey(arm, 0.01, seed, point))
        for seed in range(3)
        for point in points
        for arm in ("none", "batch")
    ]
    record = study(runs)
    swept = StudySpec(
        **{
            **record.spec.model_dump(by_alias=True),
            "sweep": {"recipe.batch_size": [4, 64, 256]},
        }
    )
    record = replace(record, spec=swept)
    found = make.rows(record, [replace(BETTER, between=(64, 1000))])
    assert [row.claim and row.claim.point for row in found] == points[1:]


def test_a_page_keeps_what_is_outside_its_marks() -> None:
    text = f"above\n{make.BEGIN}\nold\n{make.END}\nbelow\n"
    assert make.page(text, "new") == f"above\n{make.BEGIN}\nnew\n{make.END}\nbelow\n"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="the page needs the lines <!-- results"):
        make.page("text", "new")


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_has_its_page(name: str) -> None:
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert make.page(text, "x") != text
    assert f"    normlab run {name}\n" in text
    assert f"\n{name}\n" in (PAGES / "index.md").read_text(encoding="utf-8")


def test_the_table_is_markdown() -> None:
    text = make.results(accuracy_study(CLEAR), DEPTH)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {5}
    assert "with batch norm, against without, lr 0.01" in table[2]
    assert "+1.21 points, 95 % CI " in table[2]


def test_command_and_picture_stand_above_the_table() -> None:
    record = accuracy_study(CLEAR)
    typed = "normlab run depth --seeds 5 --out /tmp/here -q"
    record = replace(record, meta={**record.meta, "command": typed})
    lines = make.results(record, DEPTH, "![alt](pictures/depth.svg)").splitlines()
    assert lines[0] == "    normlab run depth --seeds 5"
    assert lines[4] == "![alt](pictures/depth.svg)"
    assert lines[6].startswith("| stated |")


def test_a_page_of_steps_has_their_table() -> None:
    keys = [RunKey(arm, rate, 0) for arm in ("none", "batch") for rate in (0.01, 0.1)]
    record = study([run(key) for key in keys])
    (table,) = step_tables(record)
    asked = replace(DEPTH, step_table=True)
    wanted = {f"| {' | '.join(cells)} |" for cells in table.rows}
    assert wanted <= set(make.results(record, asked).splitlines())
    assert not wanted & set(make.results(record, DEPTH).splitlines())


def test_a_large_picture_is_made_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > make.LARGEST
    make._shrink(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size <= make.LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_every_main_picture_is_one_that_can_be_drawn(name: str) -> None:
    assert experiment(name).picture in [kind.id for kind in KINDS]


def test_the_command_fills_a_page(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "study"
    new_study(folder, StudySpec(experiment="depth"), {})
    (tmp_path / "depth.md").write_text(f"{make.BEGIN}\n{make.END}\n")
    assert make.main(["depth", str(folder), "--pages", str(tmp_path)]) == 0
    filled = (tmp_path / "depth.md").read_text()
    assert "| stated | where |" in filled
    assert Result.open(folder).record.spec.experiment == "depth"
    assert make.main(["article", str(folder), "--pages", str(tmp_path)]) == 2
    assert "is a study of 'depth', not of 'article'" in capsys.readouterr().err
    assert make.main(["dept", str(folder)]) == 2
    assert "Did you mean 'depth'?" in capsys.readouterr().err
