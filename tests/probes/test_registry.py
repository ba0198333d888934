"""Whole runs with every probe: invisible, resumable, complete."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from normlab.probes.registry import MEASURES, observers
from normlab.records.events import Diverged, EpochDone, Finished, Observed
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.train import checkpoint
from normlab.train.run import Run
from normlab.train.step_state import PENDING
from tests.probes.cases import (
    RECIPE,
    bits,
    numbers,
    observed,
    run_of,
    strange_to_readers,
)
from tests.train.cases import network, run_config

RUNS = {
    "mlp": {"net": "mlp"},
    "conv with dropout": {"net": "lenet", "dropout": 0.5},
    "mlp without norms": {"net": "mlp", "arm": "none"},
    "residual": {"net": "resnet", "recipe": Recipe(epochs=1, batch_size=32)},
}


@pytest.mark.parametrize("name", RUNS)
def test_training_is_bit_identical_with_and_without_probes(
    name: str, tmp_path: Path
) -> None:
    plain, untouched, _ = run_of("none", **RUNS[name])
    expected = numbers(list(plain.events()))
    kept = {"snapshots": tmp_path / "path", "levels": tmp_path / "levels"}
    run, model, looking = run_of("full", **RUNS[name], **kept)
    assert len(looking) == len(MEASURES["full"])
    events = list(run.events())
    assert numbers(events) == expected
    assert bits(model) == bits(untouched)
    assert not strange_to_readers(events)


@pytest.mark.parametrize("name", ["mlp", "conv with dropout"])
def test_a_resumed_run_observes_what_an_uninterrupted_one_does(
    name: str, tmp_path: Path
) -> None:
    whole, model, _ = run_of("full", **RUNS[name])
    expected = observed(list(whole.events()))
    stopped, _, _ = run_of("full", **RUNS[name])
    events = stopped.events()
    list(takewhile(lambda event: not isinstance(event, EpochDone), events))
    checkpoint.save(stopped.checkpoint(), tmp_path)
    events.close()
    _, fresh, looking = run_of("full", **RUNS[name])
    again = Run(
        fresh,
        run_config(RECIPE, key=RunKey("batch", 0.05, 3)),
        observers=looking,
        start=checkpoint.load(tmp_path, 1),
    )
    assert observed(list(again.events())) == expected
    assert bits(fresh) == bits(model)


def test_light_measures_activations_alone() -> None:
    _, _, looking = run_of("light")
    assert [observer.name for observer in looking] == ["activations"]


def test_snapshots_are_the_whole_network_at_each_moment(tmp_path: Path) -> None:
    run, model, _ = run_of("full", snapshots=tmp_path)
    start = {name: t.numpy().copy() for name, t in model.state_dict().items()}
    events = {e.probe: e.arrays for e in run.events() if isinstance(e, Observed)}
    steps = events["snapshots"]["steps"].tolist()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        f"step-{step}.safetensors" for step in steps
    )
    first, last = (
        load_file(tmp_path / f"step-{s}.safetensors") for s in (0, steps[-1])
    )
    assert first.keys() == start.keys()
    assert all(np.array_equal(first[n], start[n]) for n in start)
    assert all(
        np.array_equal(last[n], t.numpy()) for n, t in model.state_dict().items()
    )


def test_no_probe_leaves_anything_pending_at_the_end() -> None:
    run, _, looking = run_of("full")
    list(run.events())
    names = [name for observer in looking for name in observer.arrays()]
    assert {one.name for one in looking} == {*MEASURES["full"]} - {
        "snapshots",
        "levels",
    }
    assert not any(n.startswith(PENDING) for n in names)


def test_twins_are_looked_at_with_the_same_images_at_the_same_moments() -> None:
    arms = []
    for arm in ("none", "batch"):
        run, _, _ = run_of("full", arm=arm)
        events = run.events()
        arms.append({e.probe: e.arrays for e in events if isinstance(e, Observed)})
    for probe, arrays in arms[0].items():
        assert np.array_equal(arrays["steps"], arms[1][probe]["steps"])
    first, second = (arm["activations"]["images"] for arm in arms)
    assert np.array_equal(first, second)


def test_a_run_that_diverges_keeps_what_was_seen() -> None:
    key = RunKey("none", 1e9, 3)
    recipe = Recipe(epochs=1, batch_size=16)
    model, where = network(key), run_config(recipe, key=key)
    looking = observers("full", model, where, shared=list(model.state_dict()))
    events = list(Run(model, where, observers=looking).events())
    assert isinstance(events[-1], Diverged)
    assert not any(isinstance(event, Finished) for event in events)
    seen = {e.probe: e.arrays for e in events if isinstance(e, Observed)}
    assert seen["activations"]["steps"][0] == 0
    assert any(name.startswith(PENDING) for o in looking for name in o.arrays())
    assert not strange_to_readers(events)
