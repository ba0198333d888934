from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from normlab.analysis.arms import ArmSummary
from normlab.analysis.claim import Claims, claim_from
from normlab.analysis.claims import DEFINITIONS
from normlab.analysis.design.pairs import Pairing
from normlab.analysis.inference.component import Component
from normlab.analysis.inference.evidence import Evidence
from normlab.analysis.inference.interval import t_interval
from normlab.analysis.inference.verdict import DESCRIBED
from normlab.analysis.text.table import table_of
from normlab.errors import (
    BadFolder,
    BadSetting,
    NormlabError,
    NotMeasured,
    RunFailed,
)
from normlab.facade.result import Result
from normlab.records.events import Started
from normlab.records.rows import LARGEST
from normlab.spec.plan import RunKey, plan
from normlab.spec.study import StudySpec
from tests.records.studies import new_study

from .studies import accuracy_study, changed, run, study


def test_the_table_has_every_epoch_and_the_final_test() -> None:
    table = Result(accuracy_study([0.001, 0.002, 0.003])).table()
    assert [row[0] for row in table.rows] == [
        "epoch 1 training loss",
        "epoch 2 training loss",
        "test loss",
        "test accuracy",
        "parameters",
        "runs",
    ]
    assert table.head == ("", "without batch norm", "with batch norm")
    assert table.rows[3][2] == "98.20 % [97.95, 98.45]"
    assert table.rows[5] == ("runs", "3 of 3", "3 of 3")


def test_the_text_of_the_table_is_aligned() -> None:
    lines = str(Result(accuracy_study([0.0])).table()).splitlines()
    assert lines[0].index("without") == lines[2].index("0.")
    assert (
        lines[-1]
        == "mean over seeds [95 % interval]; losses: geometric means, nats per example"
    )


def test_diverged_runs_are_counted_in_the_table() -> None:
    record = accuracy_study([0.0, 0.0])
    record = changed(record, RunKey("none", 0.01, 0), status="diverged")
    assert (
        Result(record).table().rows[-1][1] == "2 of 2, 1 of 2 did not train, 1 diverged"
    )


def test_long_trainings_show_the_first_the_last_and_some_epochs() -> None:
    made = run(RunKey("none", 0.01, 0))
    many = tuple(made.epochs[0] for _ in range(100))
    record = changed(study([made], arms=("none",)), made.key, epochs=many)
    names = [row[0] for row in Result(record).table().rows if "epoch" in row[0]]
    assert len(names) == 12
    assert (names[0], names[-1]) == ("epoch 1 training loss", "epoch 100 training loss")


def test_every_rate_has_its_rows() -> None:
    keys = [RunKey(arm, rate, 0) for rate in (0.01, 0.1) for arm in ("none", "batch")]
    table = Result(study([run(key) for key in keys])).table()
    assert table.head == ("", "without batch norm", "with batch norm")
    assert [row[0] for row in table.rows] == ["lr 0.01", "lr 0.1"]
    assert table.rows[0][1:] == ("98.00 %", "98.00 %")


def test_a_claim_reads_as_verdict_numbers_and_reason() -> None:
    claim = Result(accuracy_study([0.001, 0.002, 0.003, 0.002])).claims()[1]
    assert str(claim).splitlines() == [
        "SUPPORTED: accuracy on the test set is higher with batch norm than without",
        "  test accuracy: +0.20 points, 95 % CI +0.07 to +0.33, higher in 4 of 4 seeds",
        "  the interval excludes 0",
    ]


def test_seconds_stand_beside_the_steps() -> None:
    claim = Result(accuracy_study([0.0, 0.0, 0.0])).claims()[0]
    assert claim.beside == "in seconds: 1.00 times [1.00 to 1.00]"


def test_a_notebook_gets_two_tables() -> None:
    html = Result(accuracy_study([0.001, 0.002, 0.003, 0.002]))._repr_html_()
    assert html.count("<table>") == 2
    assert "<b>supported</b><br>the interval excludes 0" in html


def test_means_of_losses_are_those_of_logarithms_and_never_below_nothing() -> None:
    record = accuracy_study([0.0] * 3)
    losses = [0.001, 0.01, 2.0]
    for seed, loss in enumerate(losses):
        record = changed(record, RunKey("none", 0.01, seed), test_loss=loss)
    logs = np.log(losses)
    half = 4.302653 * logs.std(ddof=1) / math.sqrt(3)
    arm = Result(record).analysis.arms[0]
    assert arm.test_loss[:3] == pytest.approx(
        np.exp([logs.mean(), logs.mean() - half, logs.mean() + half]), rel=1e-6
    )


def test_means_over_survivors_are_marked() -> None:
    record = accuracy_study([0.0] * 3)
    lost = record.runs[0]
    record = changed(
        record, lost.key, status="diverged", epochs=lost.epochs[:1], test_loss=None
    )
    table = Result(record).table()
    marked = [[cell.endswith("*") for cell in row[1:]] for row in table.rows]
    assert marked[:2] == [[False, False], [True, False]]
    assert "; *: over the runs that came so far alone" in table.caption


def test_a_caveat_is_said_where_one_arm_alone_has_such_a_norm() -> None:
    def caveat(name: str, **norms: str) -> str:
        definition = next(d for d in DEFINITIONS if d.id == name)
        evidence = Evidence(
            definition=definition,
            pairing=Pairing("b", "a", 0.1),
            twins=(),
            components=(Component(effects=np.zeros(0)),),
            gaps=(),
        )
        return claim_from(evidence, DESCRIBED, norms=norms).caveat

    said = {
        (name, a, b): bool(caveat(name, a=a, b=b))
        for name in ("steadier-activations", "less-covariate-shift")
        for a, b in (("none", "batch"), ("none", "none"), ("group", "layer"))
    }
    assert [key[1:] for key, is_said in said.items() if is_said] == [
        ("none", "batch"),
        ("none", "batch"),
    ]
    assert not caveat("less-covariate-shift", a="none", b="layer")
    assert caveat("steadier-activations", a="none", b="layer")


def test_names_are_escaped_in_html() -> None:
    arm = ArmSummary(
        arm="b",
        label="<b>",
        rate=0.1,
        parameters=None,
        train_loss=(),
        test_loss=t_interval([]),
        test_accuracy=t_interval([0.5]),
        ended=0,
        diverged=0,
        untrained=0,
        geometric=True,
        planned=1,
    )
    table = table_of([arm])
    assert '<th scope="col">&lt;b&gt;</th>' in table._repr_html_()
    assert [row[1] for row in table.rows] == ["-", "50.00 %", "-", "0 of 1"]


def test_to_pandas_has_a_row_per_run_and_epoch() -> None:
    frame = Result(accuracy_study([0.001, 0.002, 0.003])).to_pandas()
    assert frame.shape == (12, 11)
    assert set(frame["arm"]) == {"none", "batch"}
    assert "test_accuracy" in frame.columns


def test_without_pandas_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BadSetting, match=r"pip install 'normlab\[pandas\]'"):
        Result(accuracy_study([0.0])).to_pandas()


def test_a_result_prints_table_claims_and_fairness() -> None:
    text = str(Result(accuracy_study([0.001, 0.002, 0.003])))
    assert "training loss" in text
    assert "accuracy on the test set is higher" in text
    assert "have equal hashes" in text


def test_a_study_is_opened_from_its_folder(tmp_path: Path) -> None:
    spec = StudySpec(seeds=(0,))
    folder = new_study(tmp_path / "study", spec, {"classes": "10"})
    with folder.write() as writer:
        writer.add_runs(plan(spec))
        for key in plan(spec):
            started = Started(parameters=7, init_digest="a", tensor_digests={"w": "a"})
            writer.event(key, started)
    result = Result.open(str(tmp_path / "study"))
    assert result.folder == tmp_path / "study"
    assert result.table().rows[-2:] == (
        ("parameters", "7", "7"),
        ("runs", "0 of 1", "0 of 1"),
    )
    assert result.analysis.fairness.proven
    assert {claim.verdict for claim in result.claims()} == {"not-enough-seeds"}


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFolder, match=r"nowhere"):
        Result.open(tmp_path / "nowhere")


def test_the_interval_of_an_accuracy_is_cut_at_its_bounds() -> None:
    # 0.98 -+ 4.303 * 0.02 / sqrt(3) = 0.9303 to 1.0297
    table = Result(accuracy_study([-0.02, 0.0, 0.02])).table()
    cell = next(row[2] for row in table.rows if row[0] == "test accuracy")
    assert cell == "98.00 % [93.03, 100.00]"


def test_a_prompt_shows_one_line() -> None:
    shown = repr(Result(accuracy_study([0.001, 0.002, 0.003]), Path("here")))
    assert shown == "<Result article: 2 arms, 3 seeds, 6 of 6 runs ended, in here>"


def test_the_share_of_the_largest_class_stands_with_the_accuracy() -> None:
    record = replace(accuracy_study([0.0]), meta={LARGEST: "0.98"})
    assert (
        Result(record)
        .table()
        .caption.endswith("; the largest class is 98.00 % of the test part")
    )
    several = study([run(RunKey("none", rate, 0)) for rate in (0.01, 0.1)])
    caption = Result(replace(several, meta={LARGEST: "0.5"})).table().caption
    assert caption.endswith("; the largest class is 50.00 % of the test part")


@pytest.mark.parametrize("error", [BadSetting, BadFolder, NotMeasured, RunFailed])
def test_a_notebook_shows_an_error_in_its_one_line(
    error: type[NormlabError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = InteractiveShell(config=Config(HistoryManager={"enabled": False}))
    shown: list[str] = []
    shell._showtraceback = lambda _, __, lines: shown.extend(lines)  # type: ignore
    shell.user_ns["error"] = error("seeds=0: give at least one.")
    shell.run_cell("raise error")
    assert shown == [f"{error.__name__}: seeds=0: give at least one."]


def test_claims_are_found_by_their_ids_and_say_in_a_line_what_they_are() -> None:
    claims = Result(accuracy_study([0.001, 0.002, 0.003, 0.002])).claims()
    assert claims["better-accuracy"] is claims[1]
    assert repr(claims).startswith(f"<Claims: {len(claims)} claims (")
    assert len(repr(claims)) < 200
    with pytest.raises(BadSetting, match="no claim 'accuracy' was judged"):
        claims["accuracy"]


def test_of_a_claim_at_several_places_all_are_given() -> None:
    (one,) = (
        Result(accuracy_study([0.001, 0.002, 0.003])).claims().of("better-accuracy")
    )
    claims = Claims([one, replace(one, rate=0.1)])
    with pytest.raises(BadSetting, match=r"was judged \d+ times .*claims\(\)\.of\("):
        claims["better-accuracy"]
    assert {claim.id for claim in claims.of("better-accuracy")} == {"better-accuracy"}
