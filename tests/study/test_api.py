"""Whole studies: complete, resumed after any interruption, and refused."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from normlab.cli import main
from normlab.errors import BadFolder, BadModel, BadSetting
from normlab.records.compare import differences, folder_differences
from normlab.records.events import EpochDone
from normlab.records.folder import StudyFolder
from normlab.spec.plan import RunKey
from normlab.spec.study import Execution, StudySpec
from normlab.study import api
from normlab.study.listener import Silent
from tests.records.studies import new_study
from tests.study.cases import MODEL, StopsAfter, spec_of, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "study"
    api.run(spec_of(data), folder)
    return folder


def test_every_run_is_done_and_complete(whole: Path) -> None:
    record = StudyFolder.open(whole).read()
    assert [run.status for run in record.runs] == ["done"] * 4
    for run in record.runs:
        assert [epoch.epoch for epoch in run.epochs] == [1, 2, 3]
        assert len(run.step_losses) == 21
        assert run.correct is not None
        assert run.correct.mean() == pytest.approx(run.epochs[-1].test_accuracy)


def test_twins_are_proven_equal(whole: Path) -> None:
    runs = {run.key: run for run in StudyFolder.open(whole).read().runs}
    for seed in (0, 1):
        none, batch = (
            runs[RunKey("none", 0.01, seed)],
            runs[RunKey("batch", 0.01, seed)],
        )
        assert none.init_digest == batch.init_digest
        assert none.tensor_digests == batch.tensor_digests
        assert none.batch_digest == batch.batch_digest
    first, second = (runs[RunKey("none", 0.01, seed)] for seed in (0, 1))
    assert first.init_digest != second.init_digest
    assert first.batch_digest != second.batch_digest


def test_nothing_is_left_but_the_contract(whole: Path) -> None:
    kept = {path.name for path in whole.iterdir()} - {".lock"}
    assert kept == {"study.toml", "study.db", "arrays"}


def test_the_trained_network_is_kept(whole: Path) -> None:
    path = whole / "arrays" / "batch-lr0.01-seed1" / "network.safetensors"
    from safetensors.numpy import load_file

    assert load_file(path)["norm1.num_batches_tracked"] == 21


def test_the_number_of_workers_changes_nothing(whole: Path, tmp_path: Path) -> None:
    spec = StudyFolder.open(whole).spec
    one = spec.model_copy(
        update={"execution": spec.execution.model_copy(update={"workers": 1})}
    )
    result = api.run(one, tmp_path / "study")
    again = StudyFolder.open(whole).read()
    assert differences(result.record, again) == [] or all(
        "workers" in line for line in differences(result.record, again)
    )


def test_another_arm_changes_nobodys_numbers(
    whole: Path, data: Path, tmp_path: Path
) -> None:
    wider = spec_of(data, "arms=none,layer,batch", "seeds=0,")
    result = api.run(wider, tmp_path / "study")
    before = {run.key: run for run in StudyFolder.open(whole).read().runs}
    for run in result.record.runs:
        if run.key.arm != "layer":
            assert np.array_equal(run.step_losses, before[run.key].step_losses)


@pytest.mark.parametrize("epochs", [1, 5, 12])
def test_an_interrupted_study_resumes_to_the_same_bits(
    whole: Path, data: Path, tmp_path: Path, epochs: int
) -> None:
    folder = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        api.run(spec_of(data), folder, watcher=StopsAfter(epochs))
    stopped = StudyFolder.open(folder).read()
    assert not any(run.status == "running" for run in stopped.runs)
    result = api.resume(folder)
    assert differences(result.record, StudyFolder.open(whole).read()) == []


def test_a_study_survives_sigkill_of_everything(
    whole: Path, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    script = (
        "import sys; from pathlib import Path; from normlab.study import api;"
        "from tests.study.cases import spec_of;"
        "api.run(spec_of(Path(sys.argv[1])), Path(sys.argv[2]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(data), str(folder)], cwd=Path.cwd()
    )
    deadline = time.monotonic() + 120
    while not list(folder.glob("checkpoints/*/epoch-*.safetensors")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers = _children(process.pid)
    assert workers
    for pid in (process.pid, *workers):
        os.kill(pid, signal.SIGKILL)
    process.wait()
    assert (folder / "scratch").exists()
    result = api.resume(folder)
    assert differences(result.record, StudyFolder.open(whole).read()) == []
    assert not (folder / "scratch").exists()


class Kills(Silent):
    """Signals the workers whenever the run `victim` has finished an epoch."""

    def __init__(
        self, victim: RunKey, *, times: int, by: signal.Signals = signal.SIGKILL
    ) -> None:
        self.victim, self.times, self.by = victim, times, by
        self.notes: list[str] = []

    def event(self, key: RunKey, event: object) -> None:
        if key == self.victim and isinstance(event, EpochDone) and self.times:
            self.times -= 1
            for pid in _children(os.getpid()):
                os.kill(pid, self.by)

    def note(self, text: str) -> None:
        self.notes.append(text)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def test_a_killed_worker_is_replaced_and_its_run_goes_on(
    whole: Path, data: Path, tmp_path: Path
) -> None:
    killer = Kills(RunKey("none", 0.01, 0), times=1)
    result = api.run(
        spec_of(data, "execution.workers=1"), tmp_path / "study", watcher=killer
    )
    assert any("killed by SIGKILL" in note for note in killer.notes)
    assert any("trying once more" in note for note in killer.notes)
    lines = differences(result.record, StudyFolder.open(whole).read())
    assert [line for line in lines if "workers" not in line] == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_what_is_sent_to_stop_a_study_stops_no_worker(
    data: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    sender = Kills(RunKey("none", 0.01, 0), times=1, by=sent)
    spec = spec_of(data, "execution.workers=1")
    result = api.run(spec, tmp_path / "study", watcher=sender)
    assert sender.times == 0
    assert not any("killed" in note for note in sender.notes)
    assert {run.status for run in result.record.runs} == {"done"}


def test_a_run_that_dies_twice_fails_and_the_others_go_on(
    data: Path, tmp_path: Path
) -> None:
    killer = Kills(RunKey("none", 0.01, 0), times=2)
    result = api.run(
        spec_of(data, "execution.workers=1"), tmp_path / "study", watcher=killer
    )
    status = {run.key: run.status for run in result.record.runs}
    assert status.pop(killer.victim) == "failed"
    assert set(status.values()) == {"done"}
    failed = next(run for run in result.record.runs if run.status == "failed")
    assert "killed by SIGKILL" in str(failed.reason)


def test_rerun_gives_the_same_numbers(whole: Path, tmp_path: Path) -> None:
    result = api.rerun(whole, tmp_path / "again")
    assert differences(result.record, StudyFolder.open(whole).read()) == []


def test_rerun_checks_that_every_number_is_the_same(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["rerun", str(whole), "--out", str(tmp_path / "again"), "-q", "--check"]
    assert main(words) == 0
    assert f"identical to {whole}: every number but times" in capsys.readouterr().out
    # what the check sees is what lies in the folders: the last bit of one loss
    with closing(sqlite3.connect(tmp_path / "again" / "study.db")) as connection:
        (losses,) = connection.execute("SELECT losses FROM steps LIMIT 1").fetchone()
        turned = bytes([losses[0] ^ 1]) + losses[1:]
        connection.execute("UPDATE steps SET losses = ? WHERE rowid = 1", (turned,))
        connection.commit()
    found = folder_differences(*map(StudyFolder.open, (whole, tmp_path / "again")))
    assert len(found) == 1 and "loss of step 1: " in found[0]


def test_resume_of_a_complete_study_trains_nothing(whole: Path) -> None:
    class Deaf(Silent):
        def event(self, key: RunKey, event: object) -> None:
            raise AssertionError(f"{key} was trained again")

    before = StudyFolder.open(whole).read()
    assert differences(api.resume(whole, watcher=Deaf()).record, before) == []


def test_resuming_with_other_threads_is_said_and_noted(
    data: Path, tmp_path: Path
) -> None:
    class Notes(Silent):
        def __init__(self) -> None:
            self.notes: list[str] = []

        def note(self, text: str) -> None:
            self.notes.append(text)

    folder, notes = tmp_path / "study", Notes()
    with pytest.raises(KeyboardInterrupt):
        api.run(spec_of(data), folder, watcher=StopsAfter(1))
    result = api.resume(
        folder, watcher=notes, execution=Execution(workers=1, threads=2)
    )
    assert result.record.meta["resumed_with"] == "threads = 2 instead of 1"
    assert any(note.startswith("threads = 2 instead of 1: ") for note in notes.notes)


def test_a_factory_that_ignores_the_norm_is_refused(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(MODEL.replace(", norm(16)", ""))
    with pytest.raises(BadModel, match=r"arms 'none' and 'batch' are the same network"):
        api.run(spec_of(data, f"model.name={file}:make"), tmp_path / "study")


REFUSED = {
    "a last batch of one": (
        "recipe.batch_size=33",
        BadSetting,
        r"leave a last batch of 1, which arm 'batch' cannot .* --last-batch drop",
    ),
    "batches of one": (
        "recipe.batch_size=1",
        BadSetting,
        r"a batch of 1 is what arm 'batch' .*\)\. Use a batch size of 2 or more\.$",
    ),
    "a device that is not there": (
        "execution.device=cuda:7",
        BadSetting,
        r"torch sees \d+ CUDA devices here. Use --device cpu",
    ),
    "a norm without meaning": (
        "arms=none,instance",
        BadModel,
        r"arm 'instance': net 'mlp': ",
    ),
    "a network that does not fit": ("model.name=lenet", BadModel, r"--image-size"),
    "an optimizer from nowhere": (
        "recipe.optimizer=python",
        BadSetting,
        r"Name sgd, adam or adamw",
    ),
    "a network from nowhere": ("model.name=python", BadSetting, r"none was given"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    name: str, data: Path, tmp_path: Path
) -> None:
    setting, error, text = REFUSED[name]
    with pytest.raises(error, match=text):
        api.run(spec_of(data, setting), tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_a_taken_folder_is_refused_before_workers_start(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def started(**_: object) -> None:
        raise AssertionError("workers were started")

    monkeypatch.setattr(api, "LocalExecutor", started)
    spec = StudyFolder.open(whole).spec
    with pytest.raises(BadFolder, match="is not empty"):
        api.run(spec, whole)
    with pytest.raises(BadFolder, match="is not empty"):
        api.rerun(whole, whole)
    with (
        new_study(tmp_path / "busy", spec).write(),
        pytest.raises(BadFolder, match="in use by another normlab"),
    ):
        api.resume(tmp_path / "busy")


def test_a_disk_too_full_for_the_data_leaves_nothing_behind(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(BadFolder, match="No space left on device"):
        api.run(spec_of(data), tmp_path / "new" / "study")
    assert list(tmp_path.iterdir()) == []


def test_a_last_batch_of_one_can_be_dropped(data: Path, tmp_path: Path) -> None:
    spec = spec_of(data, "recipe.batch_size=33", "recipe.last_batch=drop", "seeds=0,")
    result = api.run(spec, tmp_path / "study")
    assert {len(run.step_losses) for run in result.record.runs} == {9}


def test_a_diverged_run_is_a_result(data: Path, tmp_path: Path) -> None:
    spec = spec_of(data, "recipe.rates=1000", "seeds=0,", "arms=none")
    result = api.run(spec, tmp_path / "study")
    (run,) = result.record.runs
    assert run.status == "diverged"
    assert run.diverged_step is not None
    assert not np.isfinite(run.step_losses[run.diverged_step - 1])
    assert np.isfinite(run.step_losses[: run.diverged_step - 1]).all()


def test_cost_is_measured_once_per_study(data: Path, tmp_path: Path) -> None:
    spec = spec_of(data, "measure=light", "seeds=0,", "recipe.epochs=1")
    cost = api.run(spec, tmp_path / "study").record.measurements["cost"]
    none, batch = cost["arms"]["none"], cost["arms"]["batch"]
    assert none["ratio"] == 1.0
    assert none["interval"] == [1.0, 1.0]
    assert batch["interval"][0] <= batch["ratio"] <= batch["interval"][1]
    assert batch["parameters"] - none["parameters"] == 2 * (512 + 256)
    assert batch["folded_inference_seconds"] > 0
    assert none["folded_inference_seconds"] is None
    assert isinstance(StudyFolder.open(tmp_path / "study").spec, StudySpec)
