"""Exit codes, and the one line on standard error; training is made up here."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import normlab.report.write as report_file
import normlab.study
from normlab.cli import main
from normlab.cli.stopping import Stopped, signals_stop
from normlab.errors import BadData, BadFolder, RunFailed
from normlab.facade.result import Result
from normlab.records.folder import StudyFolder
from normlab.spec.study import Execution, StudySpec
from normlab.study.listener import ProgressListener

from .made_up import SPEC, study


class Api:
    """Stands for training: writes a made-up study, then may raise."""

    def __init__(self, raises: BaseException | None, finished: int | None) -> None:
        self.raises, self.finished = raises, finished
        self.spec: StudySpec | None = None
        self.execution: Execution | None = None

    def run(
        self,
        spec: StudySpec,
        out: Path,
        *,
        watcher: ProgressListener,
        only: tuple[int, ...] | None = None,
    ) -> Result:
        assert only is None
        self.spec = spec
        watcher.note("reading mnist")
        study(out, finished=self.finished)
        if self.raises is not None:
            raise self.raises
        return Result.open(out)

    def resume(
        self,
        path: Path,
        *,
        watcher: ProgressListener,
        execution: Execution | None = None,
        seeds: int | None = None,
    ) -> Result:
        self.execution = execution
        return Result.open(path)

    def rerun(self, path: Path, out: Path, *, watcher: ProgressListener) -> Result:
        return self.run(StudyFolder.open(path).spec, out, watcher=watcher)


Trains = Callable[..., Api]


@pytest.fixture
def trains(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Trains:
    monkeypatch.chdir(tmp_path)

    def install(
        raises: BaseException | None = None, finished: int | None = None
    ) -> Api:
        api = Api(raises, finished)
        monkeypatch.setattr(normlab.study, "api", api, raising=False)
        return api

    return install


def test_run_says_what_is_trained_and_where_it_is_kept(
    trains: Trains, capsys: pytest.CaptureFixture[str]
) -> None:
    trains()
    assert main(["run"]) == 0
    first, more, second, *between, last = capsys.readouterr().out.splitlines()[:6]
    assert f"{first} {more.strip()}" == (
        "article: 2 arms (without batch norm, with batch norm) x 5 seeds = 10 runs of "
        "5 epochs"
    )
    assert re.fullmatch(r"to be kept in normlab-runs/article-\d{8}-\d{6}", second)
    assert " ".join(between).startswith("not as published: The article shows one")
    assert last == "reading mnist"


SEVERAL = "run --lr 0.01,0.1 --epochs 2 --out here --seeds "


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            f"{SEVERAL} 3",
            "each arm's own best lr: chosen by seed 0, compared by seeds 1, 2; a "
            "verdict there needs at least 4 seeds",
        ),
        (
            f"{SEVERAL} 6",
            "each arm's own best lr: chosen by seeds 0, 1, compared by seeds 2, 3, 4, "
            "5",
        ),
        (
            f"{SEVERAL} 1",
            "each arm's own best lr: chosen by seed 0; a verdict there needs at least "
            "4 seeds",
        ),
        (
            f"{SEVERAL} 3 --validation 0",
            "no images are held out: no rate is chosen, all are compared alike",
        ),
    ],
)
def test_several_rates_announce_who_chooses_and_who_compares(
    words: str, line: str, trains: Trains, capsys: pytest.CaptureFixture[str]
) -> None:
    trains()
    assert main(words.split()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) < 80
    assert line in " ".join(" ".join(lines).split())


def _undrawable(*_: object) -> Path:
    raise BadFolder("here/report.html: cannot be written (disk full).")


def test_trouble_with_the_report_does_not_lose_the_account(
    trains: Trains,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trains()
    monkeypatch.setattr(report_file, "write", _undrawable)
    assert main(["run", "--quiet", "--out", "here"]) == 2
    out, err = capsys.readouterr()
    assert "More accurate: " in out
    assert "look at it" not in out
    assert err == ("normlab: error: here/report.html: cannot be written (disk full).\n")


def test_a_bug_in_a_figure_does_not_lose_the_account(
    trains: Trains,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object) -> Path:
        raise ZeroDivisionError

    trains()
    monkeypatch.setattr(report_file, "write", broken)
    with pytest.raises(ZeroDivisionError):
        main(["run", "--quiet", "--out", "here"])
    assert "More accurate: " in capsys.readouterr().out


def test_quiet_prints_the_answer_and_where_the_report_is(
    trains: Trains, capsys: pytest.CaptureFixture[str]
) -> None:
    trains()
    assert main(["run", "--quiet", "--out", "mine"]) == 0
    quiet = capsys.readouterr().out
    assert main(["show", "mine", "--quiet"]) == 0
    answer = capsys.readouterr().out
    assert quiet == f"{answer}look at it: mine/report.html\n"
    assert "  More accurate: " in answer and len(answer.splitlines()) < 10


def test_every_option_reaches_its_key(trains: Trains) -> None:
    api = trains()
    words = (
        "run --data fashion-mnist --model lenet --norm none,layer --lr 0.1,0.2 "
        "--refine --set recipe.refine=2 --seeds 7, --epochs 3 --batch-size 32 "
        "--momentum 0.5 --optimizer adam "
        "--weight-decay 0.1 --measure light --validation 10 --image-size 14 "
        "--last-batch drop --workers 3 --threads 2 --device auto --executor local "
        "--set recipe.schedule=cosine --set recipe.warmup=9 --out here --quiet"
    )
    assert main(words.split()) == 0
    spec = api.spec
    assert spec is not None
    assert (spec.data.source, spec.data.validation, spec.data.image_size) == (
        "fashion-mnist",
        10,
        14,
    )
    assert (spec.model.name, spec.seeds, spec.measure) == ("lenet", (7,), "light")
    assert [arm.name for arm in spec.arms] == ["none", "layer"]
    assert spec.recipe.model_dump() == {
        "optimizer": "adam",
        "rates": (0.1, 0.2),
        "refine": 2,
        "momentum": 0.5,
        "weight_decay": 0.1,
        "decay_norms": True,
        "schedule": "cosine",
        "step_every": 10,
        "step_factor": 0.1,
        "warmup": 9,
        "batch_size": 32,
        "last_batch": "drop",
        "epochs": 3,
    }
    assert spec.execution == Execution(workers=3, threads=2, device="auto")


def test_a_model_file_is_named_before_it_is_executed(
    trains: Trains, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    trains()
    main(["run", "--model", "net.py:build", "--out", "here"])
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"executing {tmp_path}/net.py (function build)"


def test_an_interrupted_run_says_how_to_go_on(
    trains: Trains, capsys: pytest.CaptureFixture[str]
) -> None:
    trains(KeyboardInterrupt(), finished=2)
    assert main(["run", "--out", "my runs"]) == 130
    assert capsys.readouterr().err == (
        "normlab: stopped; everything so far is kept. Go on with: "
        "normlab resume 'my runs'\n"
    )


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_keeps_everything_as_ctrl_c_does(
    number: signal.Signals,
    code: int,
    trains: Trains,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def killed(spec: StudySpec, out: Path, **_: object) -> Result:
        study(out, finished=2)
        os.kill(os.getpid(), number)
        raise AssertionError(f"{number.name} was not heard")

    before = signal.getsignal(number)
    monkeypatch.setattr(trains(), "run", killed)
    assert main(["run", "--out", "here"]) == code
    assert signal.getsignal(number) is before
    assert capsys.readouterr().err == (
        "normlab: stopped; everything so far is kept. Go on with: normlab resume here\n"
    )


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with signals_stop():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_sigterm_does_not_tear_up_the_keeping() -> None:
    kept = []
    with suppress(Stopped), signals_stop():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            kept.append("everything")
    assert kept == ["everything"]


@pytest.mark.parametrize("words", ["run --out s", "rerun old --out s", "resume s"])
def test_a_folder_in_use_is_refused_before_anything_is_said(
    words: str, trains: Trains, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    api = trains(AssertionError("training began"))
    study(tmp_path / "old")
    with study(tmp_path / "s").write():
        assert main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.match(r"normlab: error: s: in use by another normlab \(process \d+", err)
    assert (api.spec, api.execution) == (None, None)


def test_an_interrupt_before_training_promises_nothing(
    trains: Trains,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def at_once(*_: object, **__: object) -> Result:
        raise KeyboardInterrupt

    monkeypatch.setattr(trains(), "run", at_once)
    assert main(["run"]) == 130
    assert capsys.readouterr().err == (
        "normlab: stopped before training began; nothing was kept.\n"
    )


def test_an_error_of_the_library_is_one_line(
    trains: Trains, capsys: pytest.CaptureFixture[str]
) -> None:
    trains(BadData("train.npz: x_train holds 10 images\n and y_train 9 labels."))
    assert main(["run"]) == 2
    assert capsys.readouterr().err == (
        "normlab: error: train.npz: x_train holds 10 images and y_train 9 labels.\n"
    )


def test_what_fails_on_the_way_exits_with_1(trains: Trains) -> None:
    trains(RunFailed("every worker died."))
    assert main(["run"]) == 1


def test_a_failed_run_exits_with_1_after_the_account(
    trains: Trains, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    api = trains()
    folder = study(tmp_path / "s", finished=5)
    with folder.write() as writer:
        key = folder.read().runs[5].key
        writer.status(key, "failed", "killed twice (out of memory?)")
    assert main(["resume", "s"]) == 1
    out, err = capsys.readouterr()
    assert err == "normlab: batch-lr0.01-seed2 failed; the account says why.\n"
    assert "batch-lr0.01-seed2: failed: killed twice (out of memory?)" in out
    assert "Not finished: 5 of 6 runs done, 1 failed; go on with:" in out
    assert api.execution == SPEC.execution


def test_resume_may_use_other_workers(trains: Trains, tmp_path: Path) -> None:
    api = trains()
    study(tmp_path / "s")
    assert main(["resume", "s", "--workers", "1", "--quiet"]) == 0
    assert api.execution == Execution(workers=1)


def test_rerun_trains_the_same_study_elsewhere(trains: Trains, tmp_path: Path) -> None:
    api = trains()
    study(tmp_path / "s")
    assert main(["rerun", "s", "--out", "again", "--quiet"]) == 0
    assert api.spec == SPEC
    assert StudyFolder.open(tmp_path / "again").spec == SPEC


def test_rerun_says_what_differs(
    trains: Trains, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the second study one run alone has ended."""
    trains(finished=1)
    study(tmp_path / "s")
    assert main(["rerun", "s", "--out", "again", "--quiet", "--check"]) == 1
    said = capsys.readouterr().out
    assert re.search(r"^differs from s in \d+ places?:$", said, re.MULTILINE)
    assert re.search(r"^  and \d+ more$", said, re.MULTILINE)


def test_two_studies_of_one_second_do_not_share_a_folder(
    trains: Trains, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trains()
    monkeypatch.setattr("time.strftime", lambda _: "20260102-030405")
    assert main(["run", "-q"]) == 0
    assert main(["run", "-q"]) == 0
    names = sorted(path.name for path in (tmp_path / "normlab-runs").iterdir())
    assert names == ["article-20260102-030405", "article-20260102-030405-2"]


# the words of a refused setting are the spec's, and are tested there
BAD = {
    "": r"No such command 'rnu'\. Did you mean 'run'\? See: normlab --help",
    "run --norm none,bach": r"--norm=bach is unknown\. Known: .* 'batch'\?",
    "run --norm none,none": r"--norm=.*'none'.* twice",
    "run --epochs 0": r"--epochs=0 must be at least 1",
    "run --epochs -3": r"--epochs=-3 must be at least 1",
    "run --epochs 1e99": r"--epochs=1e99 must be a whole number",
    "run --batch-size 99999999": r"--batch-size=99999999 must be at most",
    "run --lr nan": r"--lr=nan must be a finite number",
    "run --lr 0": r"--lr=0 must be greater than 0",
    "run --lr fast": r"--lr=fast must be a number",
    "run --seeds 0": r"--seeds=0 must be a number of seeds from 1",
    "run --seeds 1,1": r"--seeds=.* seed 1 .*twice",
    "run --lr 1,2 --refine --validation 0": r"refine=4 needs images held out",
    "run --momentum 1": r"--momentum=1 must be less than 1",
    "run --optimizer lion": r"--optimizer=lion is unknown\. Known: sgd",
    "run --device tpu": r"--device=tpu is unknown",
    "run --executor ray": r"--executor=ray is unknown\. Known: local",
    "run --model vgg": r"--model=vgg is unknown\. Known: mlp.*FILE\.py:factory",
    "run --set recipe.speed=1": r"unknown key 'recipe\.speed'\. Known: optimizer",
    "run --set epochs": r"--set epochs: write it as key=value",
    "run artcle": r"unknown experiment 'artcle'\. Known: article",
    "run --colour": r"No such option: --colour.* See: normlab run --help",
    "run --epochs": r"Option '--epochs' requires an argument\. See: normlab --help",
    "run --norm none --norm batch": r"--norm is given twice; .* --norm none,batch,",
    "run --seeds 3 --lr 1 --seeds=4": r"--seeds is given twice; write it once: --seeds",
    "export nowhere -o a.csv --output b.csv": r"-o is given twice; .*: -o PATH\. See",
    "show": r"no study is named, and normlab-runs holds none\. Name one: DIR; or",
    "resume": r"Missing argument 'DIR'\. See: normlab resume --help",
    "run --set recipe.rates=x": r"recipe\.rates\.0=x must be a number",
    "show nowhere": r"nowhere: does not exist",
    "resume nowhere": r"nowhere: does not exist",
    "rerun nowhere": r"nowhere: does not exist",
    "list nowhere": r"nowhere: is not a folder",
    "export nowhere --format csv -o a.csv": r"nowhere: does not exist",
    "export nowhere -o a.csv": r"nowhere: does not exist",
    "export nowhere": r"export needs a file to write, such as -o runs\.csv",
    "export nowhere -o a.csv --format json": r"contradicts the name a\.csv",
    "export nowhere -o a.csv --figure cost": r"figures are written as svg, png, pdf",
    "export nowhere --figure cost": r"--figure needs a file to write: -o cost\.pdf",
    "export nowhere --figure cost --table runs": r"export writes one thing at a time",
    "export nowhere -o a.csv --width 3in": r"are about figures\. Add --figure NAME",
    "export nowhere --figure cost --width 3 -o a.pdf": r"--width=3 is no width",
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input_is_one_line_and_writes_nothing(
    words: str,
    trains: Trains,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    trains()
    assert main(words.split() or ["rnu"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert re.match(rf"normlab: error: .*{BAD[words]}", err)
    assert not any(tmp_path.iterdir())


def test_settings_may_be_given_again_and_flags_too(trains: Trains) -> None:
    trains()
    words = "run -q -q --set recipe.epochs=1 --set recipe.momentum=0"
    assert main(words.split()) == 0


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    bare = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == bare
    for name in ("run", "resume", "rerun", "show", "list", "export"):
        assert re.search(rf"^  {name} ", bare, re.MULTILINE)


def test_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"normlab \d+\.\d+\.\d+\n", capsys.readouterr().out)
