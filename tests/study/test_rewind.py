"""A checkpoint that is torn costs an epoch, not the study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from normlab.study import api
from normlab.study.listener import Silent
from normlab.train.checkpoint import epochs_saved
from tests.study.cases import StopsAfter, spec_of, write_data


class Hears(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def told(self, text: str) -> None:
        self.lines.append(text)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _other(path: Path) -> None:
    path.write_bytes(b"\xff" * 1000)


def _bare(path: Path) -> None:
    """Sound as safetensors, but without anything of a run."""
    path.write_bytes((2).to_bytes(8, "little") + b"{}")


def _folder(path: Path) -> None:
    path.unlink()
    (path / "with").mkdir(parents=True)


def _of_epoch(checkpoints: Path, epoch: int) -> Path:
    return checkpoints / f"epoch-{epoch}.safetensors"


def _older(path: Path) -> None:
    """Sound, and of another epoch."""
    path.write_bytes(
        _of_epoch(path.parent, min(epochs_saved(path.parent))).read_bytes()
    )


TEARS: list[Callable[[Path], None]] = [_cut, _empty, _other, _bare, _folder, _older]
ONE_RUN = ("seeds=1", "arms=none", "recipe.epochs=4", "execution.workers=1")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    """The data, and how the run ends that nobody stopped."""
    home = tmp_path_factory.mktemp("whole")
    data = write_data(home)
    return data, _end(api.run(spec_of(data, *ONE_RUN), home / "s"))


def _end(result: object) -> object:
    (run,) = result.record.runs  # type: ignore[attr-defined]
    losses = [(epoch.epoch, epoch.train_loss) for epoch in run.epochs]
    return run.status, run.test_loss, run.test_accuracy, losses


@pytest.mark.parametrize("tear", TEARS, ids=lambda tear: tear.__name__)
def test_the_older_one_is_taken_and_told(
    tear: Callable[[Path], None], whole: tuple[Path, object], tmp_path: Path
) -> None:
    data, end = whole
    study = _stopped(data, tmp_path)
    checkpoints = study / "checkpoints" / "none-lr0.01-seed0"
    *_, older, newest = sorted(epochs_saved(checkpoints))
    tear(_of_epoch(checkpoints, newest))
    hears = Hears()
    assert _end(api.resume(study, watcher=hears)) == end
    told = [line for line in hears.lines if "checkpoint" in line]
    assert told == [
        f"none-lr0.01-seed0: its checkpoint of epoch {newest} is damaged; "
        f"going on from epoch {older}"
    ]


def test_without_a_sound_one_the_run_starts_anew(
    whole: tuple[Path, object], tmp_path: Path
) -> None:
    data, end = whole
    study = _stopped(data, tmp_path)
    # a worker that was ended while it saved leaves a file of no epoch behind
    checkpoints = study / "checkpoints" / "none-lr0.01-seed0"
    epochs = epochs_saved(checkpoints)
    for epoch in epochs:
        _cut(_of_epoch(checkpoints, epoch))
    hears = Hears()
    assert _end(api.resume(study, watcher=hears)) == end
    told = [line for line in hears.lines if "checkpoint" in line]
    assert len(told) == len(epochs)
    assert all(line.endswith("going on from the beginning") for line in told)


def _stopped(data: Path, home: Path) -> Path:
    with pytest.raises(KeyboardInterrupt):
        api.run(spec_of(data, *ONE_RUN), home / "s", watcher=StopsAfter(3))
    return home / "s"
