"""An error of a user's code is the user's, whatever it is called."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from normlab.cli import main
from normlab.errors import NormlabError
from normlab.records.events import Failed
from normlab.study import api
from normlab.study.messages import JobEnded, Setup
from normlab.study.prepare import PythonParts, prepare
from normlab.study.slot import Slot
from tests.study.cases import spec_of, write_data

# first those by which a pipe, a disk or a system says that it is gone
KINDS: list[type[BaseException]] = [
    EOFError,
    BrokenPipeError,
    ConnectionResetError,
    ConnectionAbortedError,
    TimeoutError,
    InterruptedError,
    BlockingIOError,
    OSError,
    pickle.UnpicklingError,
    StopIteration,
    SystemExit,
    RuntimeError,
]
kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


class Raises(nn.Module):
    """Raises when it is built, asked, or asked more than so often while training."""

    def __init__(
        self, norm: Any, error: BaseException, *, built: bool = False, steps: int = 0
    ) -> None:
        super().__init__()
        self.f = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), norm(8), nn.Linear(8, 2))
        self.error, self.most = error, steps
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        if built:
            raise error

    def forward(self, x: Tensor) -> Tensor:
        self.steps += self.training  # type: ignore[operator]
        if self.steps > self.most:
            raise self.error
        return self.f(x)


class Images(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """Raises where it is asked for its last item."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if index == len(self) - 1 and self.error is not None:
            raise self.error
        return torch.full((1, 6, 6), index / 40), index % 2


def factory(error: BaseException, **how: Any) -> Callable[[Any], nn.Module]:
    return lambda norm: Raises(norm, error, **how)


PLACES: dict[str, Callable[[BaseException], PythonParts]] = {
    "factory": lambda error: PythonParts(model=factory(error, built=True)),
    "forward": lambda error: PythonParts(model=factory(error)),
    "loss": lambda error: PythonParts(loss=_losing(error)),
    "dataset": lambda error: PythonParts(data=(Images(error), Images())),
}


def _losing(error: BaseException) -> Callable[[Tensor, Tensor], Tensor]:
    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        raise error

    return loss


@kinds
@pytest.mark.parametrize("place", PLACES)
def test_before_training_it_is_one_line_with_its_name(
    kind: type[BaseException], place: str, tmp_path: Path
) -> None:
    parts = PLACES[place](kind("as it was raised"))
    settings = ["model.name=python"] if parts.model else []
    with pytest.raises(NormlabError) as caught:
        prepare(spec_of(write_data(tmp_path), *settings), root=tmp_path, python=parts)
    told = str(caught.value)
    assert kind.__name__ in told and "as it was raised" in told
    assert "\n" not in told


@pytest.fixture(scope="module")
def slot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slot]:
    setup = Setup(threads=1, core=None, path=tuple(sys.path))
    slot = Slot(setup, tmp_path_factory.mktemp("logs") / "worker.log")
    yield slot
    slot.stop()


class Job:
    """Raises in a worker, when it is performed or while it is unpacked."""

    label = "the job"

    def __init__(self, kind: type[BaseException], *, unpacked: bool) -> None:
        self.kind, self.unpacked = kind, unpacked

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.unpacked:
            raise self.kind("as it was raised")

    def perform(self, tell: Callable[[object], None]) -> None:
        raise self.kind("as it was raised")


@kinds
@pytest.mark.parametrize("unpacked", [True, False])
def test_in_a_worker_it_fails_one_job(
    kind: type[BaseException], unpacked: bool, slot: Slot
) -> None:
    told: list[Any] = []
    slot.perform(Job(kind, unpacked=unpacked), told.append)  # type: ignore[arg-type]
    failed, ended = told
    assert isinstance(failed, Failed) and ended == JobEnded()
    assert failed.reason.startswith(f"{kind.__name__}: as it was raised (")


def test_a_run_says_it_and_the_others_go_on(tmp_path: Path) -> None:
    def make(norm: Any) -> nn.Module:
        # no truncated file: it is read again at each step
        return Raises(norm, EOFError("Ran out of input"), steps=5)

    spec = spec_of(write_data(tmp_path), "model.name=python", "execution.workers=1")
    parts = PythonParts(model=make, loss=cross_entropy)
    record = api.run(spec, tmp_path / "s", python=parts).record
    assert {run.status for run in record.runs} == {"failed"}
    (reason,) = {str(run.reason) for run in record.runs}
    assert reason.startswith("EOFError: Ran out of input (test_user_errors.py, line ")


@pytest.mark.parametrize("kind", [BrokenPipeError, SystemExit])
def test_on_the_command_line_it_is_never_silent(
    kind: type[BaseException], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.py").write_text(f"raise {kind.__name__}('mine')")
    words = f"run --data {write_data(tmp_path)} --model {tmp_path / 'net.py'}:make"
    assert main([*words.split(), "--out", str(tmp_path / "s")]) == 2
    told = capsys.readouterr().err
    assert f"{kind.__name__}: mine" in told and told.count("\n") == 1
