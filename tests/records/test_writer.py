from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from normlab.errors import BadFolder
from normlab.records import _blocks, _database
from normlab.records._trouble import reporting
from normlab.records.compare import differences
from normlab.records.events import (
    Diverged,
    Failed,
    Finished,
    InterimEval,
    Observed,
    Started,
    Steps,
)
from normlab.spec.plan import RunKey, plan
from tests.records.studies import (
    CORRECT,
    EPOCHS,
    SPEC,
    STEPS,
    epoch_done,
    finish,
    finished,
    loss,
    made,
    reported,
)

KEY = plan(SPEC)[0]


def test_what_a_run_reports_is_read_back(tmp_path: Path) -> None:
    run = finished(tmp_path / "study").read().runs[0]
    assert (run.key, run.status, run.parameters) == (KEY, "done", 7)
    assert (run.init_digest, run.batch_digest) == ("i", "b3")
    assert run.tensor_digests == {"w": "t"}
    assert [epoch.epoch for epoch in run.epochs] == [1, 2, 3]
    last = run.epochs[-1]
    assert (last.train_loss, last.test_loss) == (1 / 3, 2 / 3)
    assert last.metrics == {"validation_loss": 0.2}
    assert (last.seconds, last.batch_digest) == (1.5, "b3")
    assert (run.test_loss, run.test_accuracy) == (last.test_loss, last.test_accuracy)
    assert [glimpse.step for glimpse in run.glimpses] == [10, 20, 30]
    expected = [loss(KEY, step) for step in range(1, EPOCHS * STEPS + 1)]
    assert_array_equal(run.step_losses, np.array(expected, dtype=np.float32))
    assert (run.step_seconds, run.seconds) == (3.0, 4.0)
    assert run.correct is not None
    assert_array_equal(run.correct, CORRECT)


def test_runs_keep_the_order_of_the_plan_and_are_added_once(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        writer.add_runs(plan(SPEC))
    assert tuple(run.key for run in folder.read().runs) == plan(SPEC)


def test_an_event_that_comes_again_changes_nothing(tmp_path: Path) -> None:
    once, twice = finished(tmp_path / "once"), finished(tmp_path / "twice")
    with twice.write() as writer:
        for key in plan(SPEC):
            finish(writer, key)
    assert differences(once.read(), twice.read()) == []


def test_each_change_to_running_is_an_attempt(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        writer.status(KEY, "running")
        writer.status(KEY, "queued", "its worker was killed")
        assert folder.read().runs[0].reason == "its worker was killed"
        writer.status(KEY, "running")
        run = folder.read().runs[0]
    assert (run.attempts, run.status, run.reason) == (2, "running", None)


def test_a_diverged_run_keeps_its_last_finite_network(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    losses = np.array([1, np.inf, np.nan], dtype=np.float32)
    event = Diverged(
        step=2, correct=CORRECT, test_loss=None, test_accuracy=0.7, batch_digest="x"
    )
    with folder.write() as writer:
        writer.event(KEY, Steps(first=1, losses=losses, seconds=0.1))
        writer.event(KEY, event)
    run = folder.read().runs[0]
    assert (run.status, run.diverged_step, run.reason) == ("diverged", 2, None)
    assert (run.test_loss, run.test_accuracy) == (None, 0.7)
    assert_array_equal(run.step_losses, losses)


def test_not_a_number_stays_so_where_a_number_is_due(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        writer.event(KEY, InterimEval(step=1, loss=float("nan"), accuracy=0.1))
        writer.event(KEY, InterimEval(step=2, loss=float("inf"), accuracy=0.1))
    first, second = folder.read().runs[0].glimpses
    assert np.isnan(first.loss)
    assert np.isposinf(second.loss)


def test_numbers_of_numpy_are_kept_as_numbers(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        writer.event(
            KEY, InterimEval(step=1, loss=np.float32(0.5), accuracy=np.float64(0.25))
        )
    assert folder.read().runs[0].glimpses[0].loss == 0.5


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        writer.event(KEY, Failed(reason="out of memory"))
    run = folder.read().runs[0]
    assert (run.status, run.reason) == ("failed", "out of memory")


@pytest.mark.parametrize("stopped_after", range(len(list(reported(KEY)))))
def test_a_run_that_goes_on_from_an_epoch_is_as_if_never_stopped(
    tmp_path: Path, stopped_after: int
) -> None:
    whole, resumed = finished(tmp_path / "whole"), finished(tmp_path / "resumed")
    with resumed.write() as writer:
        writer.rewind(KEY, 0)
        done = 0
        for event in list(reported(KEY))[: stopped_after + 1]:
            writer.event(KEY, event)
            done = getattr(event, "epoch", done)
        assert writer.rewind(KEY, done) == done
        for event in reported(KEY, after=done):
            writer.event(KEY, event)
    assert differences(whole.read(), resumed.read()) == []


def test_rewinding_forgets_all_that_came_later(tmp_path: Path) -> None:
    folder = finished(tmp_path / "study")
    with folder.write() as writer:
        assert writer.rewind(KEY, 2) == 2
    run, other, *_ = folder.read().runs
    assert (run.status, run.correct, run.seconds) == ("queued", None, None)
    assert (len(run.epochs), len(run.glimpses), run.step_losses.size) == (2, 2, 20)
    assert run.batch_digest == "b2"
    assert other.status == "done"


def test_rewinding_to_an_epoch_never_recorded_tells_the_last_one(
    tmp_path: Path,
) -> None:
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        writer.event(KEY, Steps(first=1, losses=np.ones(10, "f4"), seconds=1))
        writer.event(KEY, epoch_done(1))
        assert writer.rewind(KEY, 3) == 1


def test_arrays_of_a_probe_are_read_back(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    arrays = {"file": np.arange(6).reshape(2, 3), "a.weight": np.float32([np.nan])}
    with folder.write() as writer:
        writer.event(KEY, Observed(probe="activations", arrays=arrays))
    found = folder.arrays(KEY.id, "activations")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert_array_equal(found[name], array)
    assert folder.probes(KEY.id) == ("activations",)
    assert folder.probes("batch-lr0.01-seed9") == ()


def test_equal_arrays_are_equal_files_without_a_rest(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    event = Observed(probe="path", arrays={"norm": np.ones(3)})
    with folder.write() as writer:
        writer.event(KEY, event)
        (file,) = (folder.path / "arrays" / KEY.id).iterdir()
        before = file.read_bytes()
        writer.event(KEY, event)
    assert [*file.parent.iterdir()] == [file]
    assert file.read_bytes() == before


def test_an_array_of_python_objects_is_never_written(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    arrays = {"x": np.array([{}], dtype=object)}
    with (
        folder.write() as writer,
        pytest.raises(ValueError, match="Object arrays cannot be saved"),
    ):
        writer.event(KEY, Observed(probe="bad", arrays=arrays))
    assert folder.probes(KEY.id) == ()


def test_a_missing_or_damaged_array_file_is_named(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with pytest.raises(BadFolder, match=r"path\.npz: was not recorded"):
        folder.arrays(KEY.id, "path")
    file = folder.path / "arrays" / KEY.id / "path.npz"
    file.parent.mkdir()
    file.write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(BadFolder, match=r"path\.npz: is damaged"):
        folder.arrays(KEY.id, "path")
    with pytest.raises(ValueError, match="no file-safe name"):
        folder.arrays("../..", "path")


def test_measurements_and_facts_are_kept(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        writer.measurement("cost", {"ratio": 1.2, "interval": [1.1, 1.3]})
        writer.measurement("cost", {"ratio": 1.3})
        writer.meta("finished", "2026-01-01T00:00:00+00:00")
    record = folder.read()
    assert record.measurements == {"cost": {"ratio": 1.3}}
    assert record.meta["finished"] == "2026-01-01T00:00:00+00:00"
    assert record.meta["data_digest"] == "d"
    assert record.meta["created"]


def test_a_run_of_another_study_is_a_mistake(tmp_path: Path) -> None:
    with (
        made(tmp_path / "study").write() as writer,
        pytest.raises(KeyError, match=r"rms-lr1.0-seed0 is no run of this study"),
    ):
        writer.status(RunKey("rms", 1.0, 0), "running")


def test_a_full_disk_is_one_clear_line_and_loses_nothing(tmp_path: Path) -> None:
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        finish(writer, KEY)
        connection = writer._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(BadFolder, match=r"study: the disk is full\. Free some"):
            writer.event(KEY, Steps(first=99, losses=np.ones(10**5, "f4"), seconds=1.0))
    run = folder.read().runs[0]
    assert (run.status, run.step_losses.size) == ("done", EPOCHS * STEPS)


@pytest.mark.parametrize(
    ("free", "words"),
    [(0, "the disk is full"), (1 << 30, r"\(disk I/O error\). Check the disk")],
)
def test_an_io_error_on_a_full_disk_is_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, words: str
) -> None:
    usage = SimpleNamespace(free=free)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(BadFolder, match=words), reporting(tmp_path):
        raise sqlite3.OperationalError("disk I/O error")


blocks = st.lists(
    st.tuples(st.integers(1, 30), st.integers(1, 12)), min_size=1, max_size=8
)


@given(blocks=blocks, cut=st.tuples(st.integers(1, 45), st.integers(0, 20)))
@settings(max_examples=60, deadline=None)
def test_blocks_of_losses_behave_like_one_long_array(
    blocks: list[tuple[int, int]],
    cut: tuple[int, int],
) -> None:
    expected = np.full(60, np.nan, dtype=np.float32)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_database.TABLES)
        for number, (first, size) in enumerate(blocks):
            losses = np.full(size, number, dtype=np.float32)
            _blocks.put(connection, 1, first=first, losses=losses, seconds=1.0)
            expected[first - 1 : first - 1 + size] = number
        _blocks.cut(connection, 1, first=cut[0], last=cut[0] + cut[1])
        expected[cut[0] - 1 : cut[0] + cut[1]] = np.nan
        rows = connection.execute(
            "SELECT first, last, losses, seconds FROM steps ORDER BY first"
        )
        found = _blocks.joined([_blocks.StepBlock(*row) for row in rows])
    assert_array_equal(found, expected[: found.size])
    assert np.isnan(expected[found.size :]).all()


def test_a_start_or_end_can_be_reported_without_tensors_or_images(
    tmp_path: Path,
) -> None:
    folder = made(tmp_path / "study")
    with folder.write() as writer:
        writer.event(KEY, Started(parameters=1, init_digest="x"))
        writer.event(KEY, Finished(batch_digest="y", correct=None, seconds=1.0))
    run = folder.read().runs[0]
    assert (run.correct, run.test_accuracy, run.epochs) == (None, None, ())
