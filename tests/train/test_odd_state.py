"""Measured is unmeasured and resumed is uninterrupted, whatever a network remembers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from normlab.base.hold import preserved
from normlab.base.outside import Outside
from normlab.base.state import contents
from normlab.base.streams import seeded
from normlab.errors import BadModel, BadSetting
from normlab.probes.registry import observers
from normlab.records.events import EpochDone, Event, Noted
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.study import api
from normlab.study.prepare import PythonParts
from normlab.study.resumable import refuse_forgetful_optimizer, refuse_other_steps
from normlab.train import checkpoint
from normlab.train.descent import Descent, descent_for
from normlab.train.run import Run
from normlab.train.run_config import RunConfig
from normlab.train.step_state import Observer
from tests.study.cases import spec_of, write_data
from tests.train import odd_state
from tests.train.cases import network, run_config
from tests.train.odd_state import KEPT, LOST, OPTIMIZERS, Counter, Iterates, Odd

RECIPE = Recipe(epochs=3, batch_size=32)


@pytest.fixture(autouse=True)
def _classes_and_globals_start_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odd_state.OfTheClass, "count", 0)
    monkeypatch.setattr(odd_state, "MODES", {"calls": 0})


def told(events: list[Event]) -> list[object]:
    return [
        (e.train_loss, e.test_loss, e.test_accuracy)
        for e in events
        if isinstance(e, EpochDone)
    ]


def bits(model: nn.Module) -> dict[str, bytes]:
    return {n: t.numpy().tobytes() for n, t in model.state_dict().items()}


def run_config_of(
    optimizer: Callable[..., torch.optim.Optimizer] | None = None,
) -> RunConfig:
    recipe = RECIPE if optimizer is None else Recipe(
        epochs=3, batch_size=32, optimizer="python"
    )  # fmt: skip
    base = run_config(recipe, key=RunKey("batch", 0.01, 3))
    return RunConfig(**{**vars(base), "optimizer": optimizer})


def looking(model: nn.Module, where: RunConfig) -> list[Observer]:
    names = [n for n, p in model.named_parameters() if p.dim() > 1]
    return observers("full", model, where, shared=names)


MODELS: list[Callable[[], Odd]] = [*KEPT, *LOST.values()]


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_measured_is_unmeasured(make: Callable[[], Odd]) -> None:
    found = []
    for measured in (False, True):
        with preserved(make()) as model:  # classes and globals too
            where = run_config_of()
            probes = looking(model, where) if measured else []
            events = list(Run(model, where, observers=probes).events())
            assert not [e for e in events if isinstance(e, Noted)]
            found.append((bits(model), told(events)))
    assert found[0] == found[1]


def resumed(
    model: Callable[[], nn.Module], where: RunConfig, folder: Path
) -> tuple[nn.Module, list[object]]:
    """Trained for one epoch, and from its checkpoint to the end by another process."""
    first = model()
    run = Run(first, where)
    for event in run.events():
        if isinstance(event, EpochDone):
            checkpoint.save(run.checkpoint(), folder)
            break
    second = model()
    rest = Run(second, where, start=checkpoint.load(folder, 1))
    return second, told(list(rest.events()))


@pytest.mark.parametrize("make", KEPT, ids=lambda make: make.__name__)
def test_a_resumed_network_is_an_uninterrupted_one(
    make: Callable[[], Odd], tmp_path: Path
) -> None:
    whole = make()
    events = told(list(Run(whole, run_config_of()).events()))
    second, rest = resumed(make, run_config_of(), tmp_path)
    assert bits(second) == bits(whole)
    assert rest == events[1:]
    assert contents(second) == contents(whole)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_resumed_optimizer_is_an_uninterrupted_one(name: str, tmp_path: Path) -> None:
    where, whole = run_config_of(OPTIMIZERS[name]), network()
    events = told(list(Run(whole, where).events()))
    second, rest = resumed(network, where, tmp_path)
    assert bits(second) == bits(whole)
    assert rest == events[1:]


def batch() -> tuple[Tensor, Tensor]:
    where = run_config_of()
    run = Run(network(), where)
    return run._train.take(torch.arange(32))


def refuse(model: nn.Module, optimizer: Any = None, **recipe: Any) -> None:
    kind = "python" if optimizer else "sgd"
    whole = Recipe(batch_size=32, optimizer=kind, **recipe)
    inputs, labels = batch()

    def step(descent: Descent) -> Tensor:
        with seeded("a step"):
            loss = cross_entropy(model.train()(inputs), labels)
            loss.backward()
            descent.move(0.01)
        return loss

    def made() -> Any:
        return descent_for(model, whole, 0.01, factory=optimizer)

    with preserved(model):
        model(inputs)
        if optimizer:
            refuse_forgetful_optimizer(model, step, made=made, recipe=whole)
        refuse_other_steps(model, lambda: step(made()), lambda: model.eval()(inputs))


@pytest.mark.parametrize("make", KEPT, ids=lambda make: make.__name__)
def test_what_a_checkpoint_holds_is_trained_and_left_alone(make: type[Odd]) -> None:
    model = make()
    before = bits(model), contents(model)
    refuse(model)
    assert (bits(model), contents(model)) == before


@pytest.mark.parametrize("text", LOST)
def test_what_no_checkpoint_holds_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadModel, match=rf"^the network's '{text}[^\n]*$"):
        refuse(LOST[text]())


@pytest.mark.parametrize("make", odd_state.UNFOUND, ids=lambda make: make.__name__)
def test_what_nobody_finds_is_refused_by_what_it_does(make: Callable[[], Odd]) -> None:
    with pytest.raises(BadModel, match=r"^the same training step, taken twice from"):
        refuse(make())


def test_what_is_looked_up_is_no_state() -> None:
    refuse(odd_state.Looks())
    assert not odd_state.Looks.known and set(odd_state.MODES) == {"calls"}


def test_an_iterator_is_refused_by_name() -> None:
    with pytest.raises(BadModel, match=r"^the network's 'noise'"):
        refuse(Iterates())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_that_comes_back_is_trained_with(name: str) -> None:
    model = network()
    before = bits(model)
    refuse(model, OPTIMIZERS[name])
    assert bits(model) == before


def test_one_that_does_not_come_back_is_refused() -> None:
    made = []

    class Counting(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:
            made.append(1)  # what no checkpoint reaches
            self.param_groups[0]["lr"] = 0.1 / len(made)
            super().step()

    with pytest.raises(BadSetting, match=r"Counting: (no checkpoint|restored)[^\n]*$"):
        refuse(network(), Counting)


def test_one_whose_constructor_decides_is_refused() -> None:
    calls = []

    def ever_slower(parameters: Any, lr: float) -> torch.optim.Optimizer:
        calls.append(1)
        return torch.optim.SGD(parameters, lr=lr, momentum=1 / len(calls))

    with pytest.raises(BadSetting, match="restored from a checkpoint it takes other"):
        refuse(network(), ever_slower)


def test_two_schedules_are_refused() -> None:
    with pytest.raises(
        BadSetting, match=r"recipe\.schedule: the optimizer changes its"
    ):
        refuse(network(), odd_state.Scheduled, schedule="cosine")
    with pytest.raises(BadSetting, match=r"recipe\.warmup: the optimizer changes its"):
        refuse(network(), odd_state.Scheduled, warmup=5)


def test_nothing_is_packed_of_a_plain_network() -> None:
    model = network()
    run = Run(model, run_config(RECIPE))
    list(run.events())
    kept = run.checkpoint().outside
    assert kept.values == {} and kept.tensors == {}


def test_what_is_packed_is_json() -> None:
    model = odd_state.Draws()
    outside = Outside(model)
    model(torch.ones(4, 1, 12, 12))
    packed = outside.packed()
    assert sorted(packed.values) == ["numpy", "old", "python", "torch", "twister"]
    assert json.loads(json.dumps(packed.values)) == packed.values


def test_references_to_registered_things_are_no_state() -> None:
    class Refers(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.everything = [self.out.weight, (self,), [self.f]]

    model = Refers()
    outside = Outside(model)
    with torch.no_grad():
        model.out.weight.add_(1)
    model(torch.ones(4, 1, 12, 12))
    assert outside.moved() == {"steps"}


def test_no_surface_is_made_of_networks_that_remember_more(tmp_path: Path) -> None:
    spec = spec_of(
        write_data(tmp_path), "model.name=python", "measure=full", "seeds=0,",
        "recipe.epochs=2", "arms=none,batch",
    )  # fmt: skip

    def made(norm: Any, shape: Any, classes: int) -> nn.Module:
        class Warm(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.f = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), norm(8))
                self.out, self.steps, self.last = nn.Linear(8, classes), 0, None

            def forward(self, x: Tensor) -> Tensor:
                self.last = self.f(x)  # kept, and of no use
                if not isinstance(self.f[2], nn.Identity):
                    self.steps += self.training
                return self.out(self.last) * (1 + self.steps)

        return Warm()

    result = api.run(spec, tmp_path / "s", python=PythonParts(model=made))
    assert {run.status for run in result.record.runs} == {"done"}
    ((note, runs),) = result.record.notes.items()
    assert "more than parameters and buffers (last, steps)" in note
    assert runs == ("batch-lr0.01-seed0",)
    assert not result.record.failed
    surfaces = [s.name for s in (tmp_path / "s/arrays/surfaces").iterdir()]
    assert all("none" in name and "batch-none" not in name for name in surfaces)
    assert surfaces
