"""A probe that fails costs its own record and a note, never the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from normlab.errors import BadFolder
from normlab.probes import context
from normlab.probes.registry import MEASURES, observers
from normlab.records.events import EpochDone, Event, Noted, Observed
from normlab.spec.recipe import Recipe
from normlab.train import checkpoint
from normlab.train.observers import Observers
from normlab.train.run import Run
from normlab.train.step_state import StepState
from tests.train.cases import network, run_config

RECIPE = Recipe(epochs=2, batch_size=32)


class Fails:
    """Draws, changes the model, and fails at one of its looks."""

    touches = True

    def __init__(self, at: int, error: Exception | None = None) -> None:
        self.name, self.at = "fails", at
        self.error = error or ValueError("no\nsuch luck. " + "x" * 5_000)
        self.looks: list[int] = []

    def due(self, step: int) -> bool:
        return step % 2 == 0

    def observe(self, state: StepState) -> None:
        self.looks.append(state.step)
        nn.init.zeros_(next(state.model.parameters()))
        state.model.eval()
        torch.rand(3)
        if state.step >= self.at:
            raise self.error

    def arrays(self) -> Mapping[str, Tensor]:
        return {"steps": torch.tensor(self.looks)}

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        self.looks = arrays["steps"].tolist()


def trained(*looking: Any) -> tuple[dict[str, bytes], list[Event]]:
    model = network()
    events = list(Run(model, run_config(RECIPE), observers=looking).events())
    state = model.state_dict().items()
    return {name: t.numpy().tobytes() for name, t in state}, events


@pytest.mark.parametrize("at", [0, 4, 10])
def test_the_run_goes_on_as_if_it_had_not_been_there(at: int) -> None:
    without, _ = trained()
    probe, other = Fails(at), Fails(10**9)
    other.name = "other"
    bits, events = trained(probe, other)
    assert bits == without
    assert probe.looks[-1] == at and len(other.looks) == 6
    assert [e.probe for e in events if isinstance(e, Observed)] == ["other"]
    (note,) = [e.text for e in events if isinstance(e, Noted)]
    assert note.startswith(
        "probe 'fails' failed and left no record (ValueError: no such"
    )
    assert "\n" not in note and len(note) < 400


def test_one_that_failed_stays_away_from_the_rest_of_a_resumed_run(tmp_path) -> None:
    run = Run(network(), run_config(RECIPE), observers=[Fails(2)])
    for event in run.events():
        if isinstance(event, EpochDone):
            checkpoint.save(run.checkpoint(), tmp_path)
            break
    again, start = Fails(2), checkpoint.load(tmp_path, 1)
    events = list(
        Run(network(), run_config(RECIPE), observers=[again], start=start).events()
    )
    assert again.looks == []
    assert not [e for e in events if isinstance(e, Observed)]


def test_a_folder_that_cannot_be_written_is_no_fault_of_a_probe() -> None:
    with pytest.raises(BadFolder, match="full"):
        trained(Fails(0, BadFolder("the disk is full")))


def test_probes_that_cannot_be_made_are_noted_and_the_others_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no anatomy")

    monkeypatch.setattr(context, "trace_modules", broken)
    model, where = network(), run_config(RECIPE)
    looking = observers("full", model, where, shared=["fc1.weight"])
    events = list(Run(model, where, observers=looking).events())
    seen = {e.probe for e in events if isinstance(e, Observed)}
    assert {"outputs"} <= seen
    lost = {*MEASURES["full"]} - {"snapshots", "levels"} - seen
    assert {"activations", "path", "gradient", "scale"} <= lost
    assert {e.text for e in events if isinstance(e, Noted)} == {
        f"probe '{name}' failed and left no record (RuntimeError: no anatomy)"
        for name in lost
    }


class Remembers(Fails):
    """Keeps what it is given back."""

    def restore(self, arrays: Mapping[str, Tensor]) -> None:
        self.given = arrays["steps"]


def test_what_it_gets_back_lies_in_memory_as_what_it_had_did() -> None:
    # sums over tensors at odd addresses, as files have them, differ in last digits
    odd = torch.arange(9.0)[1:]
    assert odd.data_ptr() % 64
    one = Remembers(at=10)
    watching = Observers([one], seed=0)
    watching.restore({one.name: {"steps": odd}})
    assert one.given.data_ptr() % 64 == 0
    assert one.given.equal(odd)
    one.given.add_(1)
    assert odd.equal(torch.arange(1.0, 9.0))
