"""An error of a user's code is the user's, whatever it is called."""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from normlab.base.streams import seeded
from normlab.cli import main
from normlab.errors import BadModel, NormlabError
from normlab.facade.study import Study
from normlab.foreign import plain
from normlab.landscape.surface import surface
from normlab.records.events import Failed
from normlab.study import api
from normlab.study.messages import JobEnded, Setup
from normlab.study.prepare import PythonParts, prepare
from normlab.study.slot import WorkerSlot
from normlab.user_code import placing
from tests.study.cases import spec_of, write_data


class Own(BaseException):
    """One of the user's own."""


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
    GeneratorExit,
    KeyboardInterrupt,  # a signal's own has no text
    asyncio.CancelledError,
    Own,
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

    def __init__(
        self, error: BaseException | None = None, *, sized: bool = True
    ) -> None:
        self.error, self.sized = error, sized

    def __len__(self) -> int:
        if self.error is not None and not self.sized:
            raise self.error
        return 40

    def __getitem__(self, index: int) -> tuple[Any, int]:
        if index == 39 and self.error is not None:
            raise self.error
        return torch.full((1, 6, 6), index / 40), index % 2


class Pictures(Images):
    """Items that raise when an array is made of them."""

    def __getitem__(self, index: int) -> tuple[Any, int]:
        error = self.error

        class Picture:
            def __array__(self, *_: object) -> object:
                raise error or ValueError

        return Picture(), index % 2


def factory(error: BaseException, **how: Any) -> Callable[[Any], nn.Module]:
    return lambda norm: Raises(norm, error, **how)


OVERRIDDEN = ("train", "to", "state_dict", "named_modules", "parameters", "__repr__")


def _importing(error: BaseException) -> Callable[[Any], nn.Module]:
    class Unsendable:
        def __call__(self, norm: Any) -> nn.Module:
            return nn.Linear(36, 2)

        def __setstate__(self, state: object) -> None:
            raise error

        def __getstate__(self) -> dict[str, int]:
            return {"any": 1}

    return Unsendable()


def _with(error: BaseException, how: str) -> Callable[[Any], nn.Module]:
    class Net(Raises):
        def forward(self, x: Tensor) -> Tensor:
            if how == "eval" and not self.training:
                raise error
            y = self.f(x)
            if how == "hooked" and y.requires_grad:
                y.register_hook(_losing(error))
            return y

    return lambda norm: Net(norm, error)


def _overriding(name: str, error: BaseException) -> PythonParts:
    class Net(Raises):
        def forward(self, x: Tensor) -> Tensor:
            return self.f(x)

    setattr(Net, name, _losing(error))
    return PythonParts(model=lambda norm: Net(norm, error))


def _losing(error: BaseException) -> Callable[..., Any]:
    def loss(*_: object, **__: object) -> Any:
        raise error

    return loss


PLACES: dict[str, Callable[[BaseException], PythonParts]] = {
    "import": lambda error: PythonParts(model=_importing(error)),
    "factory": lambda error: PythonParts(model=factory(error, built=True)),
    "forward": lambda error: PythonParts(model=factory(error)),
    "evaluation": lambda error: PythonParts(model=_with(error, "eval")),
    "gradient": lambda error: PythonParts(model=_with(error, "hooked")),
    "loss": lambda error: PythonParts(loss=_losing(error)),
    "optimizer": lambda error: PythonParts(optimizer=_losing(error)),
    "norm": lambda error: PythonParts(norms={"own": _losing(error)}),
    "item": lambda error: PythonParts(data=(Images(error), Images())),
    "length": lambda error: PythonParts(data=(Images(error, sized=False), Images())),
    "array": lambda error: PythonParts(data=(Pictures(error), Images())),
    # of a network there is much that we call, and nothing else to say of it
    **{name: partial(_overriding, name) for name in OVERRIDDEN},
}


@kinds
@pytest.mark.parametrize("place", PLACES)
def test_before_training_it_is_one_line_with_its_name(
    kind: type[BaseException], place: str, tmp_path: Path
) -> None:
    parts = PLACES[place](kind("as it was raised"))
    settings = ["model.name=python"] if parts.model else []
    settings += ["recipe.optimizer=python"] if parts.optimizer else []
    spec = spec_of(write_data(tmp_path), *settings)
    if parts.norms:
        own = {"name": "own", "norm": parts.norms["own"]}
        arms = Study(norm=("none", own)).spec.arms  # type: ignore[arg-type]
        spec = spec.model_copy(update={"arms": arms})
    with pytest.raises(NormlabError) as caught:
        prepare(spec, root=tmp_path, python=parts)
    told = str(caught.value)
    assert kind.__name__ in told and "as it was raised" in told
    assert "\n" not in told


@pytest.fixture(scope="module")
def slot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerSlot]:
    setup = Setup(threads=1, core=None, path=tuple(sys.path))
    slot = WorkerSlot(setup, tmp_path_factory.mktemp("logs") / "worker.log")
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
    kind: type[BaseException], unpacked: bool, slot: WorkerSlot
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


@kinds
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("place", ["forward", "loss", "item", "length"])
def test_of_a_surface_it_is_one_line_too(
    kind: type[BaseException], place: str, threads: int
) -> None:
    error = kind("as it was raised")
    data = Images(error if place in ("item", "length") else None, sized=place == "item")
    losing = _losing(error) if place == "loss" else cross_entropy
    with seeded("a network of the test"):
        net = Raises(nn.BatchNorm1d, error, steps=0 if place == "forward" else 10**6)
    net.steps += 1  # in eval mode nothing counts
    with pytest.raises(NormlabError) as caught:
        surface(net, data, points=3, batch_size=20, loss=losing, threads=threads)
    told = str(caught.value)
    assert kind.__name__ in told and "as it was raised" in told
    assert "\n" not in told


def test_it_is_placed_in_a_user_s_code_alone() -> None:
    def fails() -> None:
        raise LookupError("mine")

    def calls_ours() -> None:
        plain(3)  # type: ignore[arg-type]

    here = r"test_user_errors\.py, line \d+: \S+fails failed with LookupError: mine"
    with pytest.raises(BadModel, match=here):
        placing()(fails)()
    with pytest.raises(AttributeError):
        placing()(calls_ours)()
    with pytest.raises(TypeError):
        placing()(Path)(3)  # type: ignore[arg-type]


FACTORIES = {
    "factory": "make = raises",
    "named_modules": """
class make(torch.nn.Linear):
    named_modules = raises
    def __init__(self, norm):
        super().__init__(36, 2)
""",
}


@pytest.mark.parametrize(
    ("raised", "named"),
    [
        ("BrokenPipeError('mine')", "BrokenPipeError: mine"),
        ("SystemExit(0)", "SystemExit: 0"),
        # no signal's: for one, the command line has a class of its own
        ("KeyboardInterrupt", "KeyboardInterrupt without a message (net.py, line 3)"),
        ("Own('mine')", "Own: mine"),
    ],
)
@pytest.mark.parametrize("called", FACTORIES)
def test_on_the_command_line_it_is_never_silent(
    raised: str,
    named: str,
    called: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = "import torch; Own = type('Own', (BaseException,), {})"
    raises = f"def raises(*_):\n raise {raised}"
    (tmp_path / "net.py").write_text("\n".join((own, raises, FACTORIES[called])))
    words = f"run --data {write_data(tmp_path)} --model {tmp_path / 'net.py'}:make"
    assert main([*words.split(), "--out", str(tmp_path / "s")]) == 2
    told = capsys.readouterr().err
    assert named in told and told.count("\n") == 1
