"""Small networks in float64, and runs that are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from normlab.base.streams import seeded, stream
from normlab.probes.registry import Measure, observers
from normlab.records.events import EpochDone, Event, Observed, Steps
from normlab.records.observed.registry import PROBES
from normlab.spec.plan import RunKey
from normlab.spec.recipe import Recipe
from normlab.train.run import Run
from normlab.train.step_state import Observer, StepState
from tests.train.cases import network, run_config

RECIPE = Recipe(epochs=2, batch_size=16)
NORMS = ("none", "batch", "layer")


def small(norm: str = "batch") -> nn.Sequential:
    """Three layers, two nonlinearities, in float64."""
    between = {
        "none": lambda _: nn.Identity(),
        "batch": nn.BatchNorm1d,
        "layer": nn.LayerNorm,
    }[norm]
    with seeded(0, "small"):
        net = nn.Sequential(
            *(nn.Linear(5, 6), between(6), nn.Tanh()),
            *(nn.Linear(6, 4), between(4), nn.ReLU()),
            nn.Linear(4, 3),
        ).double()
        for parameter in net.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    return net


WEIGHTS = ("0.weight", "3.weight", "6.weight")


def batch(n: int = 12) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(n, 5, generator=stream(0, "inputs"), dtype=torch.float64)
    return inputs, torch.arange(n) % 3


def step_state(model: nn.Module, step: int, *, rate: float = 0.1) -> StepState:
    return StepState(
        step=step,
        epoch=0,
        model=model,
        upcoming=batch,
        rate=rate,
        loss=cross_entropy,
    )


def stepped(model: nn.Module, seed: int = 0) -> None:
    """Some step, of norms and biases too."""
    for number, parameter in enumerate(model.parameters()):
        draw = torch.randn(
            parameter.shape, generator=stream(seed, "step", number), dtype=torch.float64
        )
        parameter.data += 0.05 * draw


def run_of(
    measure: Measure,
    *,
    net: str = "mlp",
    dropout: float = 0.0,
    arm: str = "batch",
    recipe: Recipe = RECIPE,
    snapshots: Path | None = None,
    levels: Path | None = None,
) -> tuple[Run, nn.Module, list[Observer]]:
    """A run with its model and its probes."""
    key = RunKey(arm, 0.05, 3)
    model, where = network(key, net=net, dropout=dropout), run_config(recipe, key=key)
    names = [name for name, _ in model.named_parameters() if "norm" not in name]
    looking = observers(
        measure, model, where, shared=names, snapshots=snapshots, levels=levels
    )
    return Run(model, where, observers=looking), model, looking


def numbers(events: Sequence[Event]) -> list[object]:
    """What a run says about training, to the last bit."""
    steps = [(e.first, e.losses.tobytes()) for e in events if isinstance(e, Steps)]
    epochs = [
        (e.train_loss, e.test_loss, e.test_accuracy, e.batch_digest)
        for e in events
        if isinstance(e, EpochDone)
    ]
    return [steps, epochs]


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: t.numpy().tobytes() for name, t in model.state_dict().items()}


def observed(events: Sequence[Event]) -> dict[str, dict[str, tuple[object, bytes]]]:
    """Every array of every probe, to the last bit."""
    return {
        event.probe: {n: (a.shape, a.tobytes()) for n, a in event.arrays.items()}
        for event in events
        if isinstance(event, Observed)
    }


def strange_to_readers(events: Sequence[Event]) -> set[tuple[str, str]]:
    """Probes and names of arrays that are no field of the probe's class.

    Raises:
        ValueError: If an array is not what its field says.
    """
    kinds = {kind.probe: kind for kind in PROBES}
    return {
        (event.probe, name)
        for event in events
        if isinstance(event, Observed)
        for name in event.arrays.keys()
        - kinds[event.probe].unpacked(event.arrays).packed().keys()
    }
