"""Optimizers: what is decayed, what is kept, what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from normlab.base.streams import seeded
from normlab.errors import BadSetting, RunFailed
from normlab.spec.recipe import Recipe
from normlab.train.descent import descent_for
from normlab.train.plain_sgd import decays
from normlab.train.schedule import rate_at
from tests.train.cases import network
from tests.train.odd_state import Scheduled


def test_norm_parameters_and_biases_can_be_spared_the_decay() -> None:
    recipe = Recipe(weight_decay=0.1, decay_norms=False)
    decayed = {name for name, decay in decays(network(), recipe).items() if decay}
    assert decayed == {"fc1.weight", "fc2.weight", "fc3.weight"}


def test_otherwise_everything_is_decayed() -> None:
    assert set(decays(network(), Recipe(weight_decay=0.1)).values()) == {0.1}


def test_spared_parameters_move_as_without_decay() -> None:
    moved = []
    for decay in (0.0, 0.3):
        model = network()
        recipe = Recipe(weight_decay=decay, decay_norms=False)
        descent = descent_for(model, recipe, 0.1)
        model(torch.ones(4, 1, 12, 12)).square().mean().backward()
        descent.step(0.1)
        moved.append(dict(model.named_parameters()))
    assert torch.equal(moved[0]["norm1.weight"], moved[1]["norm1.weight"])
    assert torch.equal(moved[0]["fc3.bias"], moved[1]["fc3.bias"])
    assert not torch.equal(moved[0]["fc3.weight"], moved[1]["fc3.weight"])


def test_an_optimizer_from_python_is_used_as_it_is() -> None:
    ours, theirs = network(), network()
    x = torch.ones(4, 1, 12, 12)
    descent = descent_for(
        ours,
        Recipe(optimizer="python"),
        0.01,
        factory=torch.optim.RMSprop,
    )
    optimizer = torch.optim.RMSprop(theirs.parameters(), lr=0.01)
    ours(x).square().mean().backward()
    descent.step(0.01)
    theirs(x).square().mean().backward()
    optimizer.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_missing_optimizer_is_named() -> None:
    with pytest.raises(BadSetting, match="Pass optimizer="):
        descent_for(network(), Recipe(optimizer="python"), 0.1)


class Hoarder(torch.optim.SGD):
    def step(self, closure=None):  # type: ignore[override]
        super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["past"] = iter([1, 2])


def test_state_that_no_checkpoint_can_hold_is_named() -> None:
    model = network()
    descent = descent_for(model, Recipe(optimizer="python"), 0.1, factory=Hoarder)
    model(torch.ones(4, 1, 12, 12)).sum().backward()
    descent.step(0.1)
    with pytest.raises(
        RunFailed, match=r"Hoarder: no checkpoint can hold its 'state.*past"
    ):
        descent.state()


def two_groups(
    parameters: list[torch.nn.Parameter], lr: float
) -> torch.optim.Optimizer:
    groups = [{"params": parameters[:-2]}, {"params": parameters[-2:], "lr": 10 * lr}]
    return torch.optim.SGD(groups, lr=lr, momentum=0.9)


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
@pytest.mark.parametrize("warmup", [0, 4])
def test_groups_keep_their_proportions_along_every_schedule(
    schedule: str, warmup: int
) -> None:
    recipe = Recipe(
        optimizer="python", schedule=schedule, warmup=warmup, epochs=2, step_every=1
    )
    ours, theirs = network(), network()
    descent = descent_for(ours, recipe, 0.01, factory=two_groups)
    optimizer = two_groups(list(theirs.parameters()), 0.01)
    x = torch.ones(4, 1, 12, 12)
    for step in range(8):
        rate = rate_at(recipe, 0.01, step=step, steps_per_epoch=4)
        ours(x).square().mean().backward()
        descent.step(rate)
        for group, first in zip(optimizer.param_groups, (0.01, 10 * 0.01), strict=True):
            group["lr"] = first * (rate / 0.01)
        optimizer.zero_grad()
        theirs(x).square().mean().backward()
        optimizer.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


def test_a_schedule_inside_of_the_optimizer_holds_to_the_bit() -> None:
    ours, theirs = network(), network()
    descent = descent_for(ours, Recipe(optimizer="python"), 0.01, factory=Scheduled)
    optimizer, x = (
        Scheduled(list(theirs.parameters()), lr=0.01),
        torch.ones(4, 1, 12, 12),
    )
    for _ in range(5):
        ours(x).square().mean().backward()
        descent.step(0.01)
        optimizer.zero_grad()
        theirs(x).square().mean().backward()
        optimizer.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01 * 0.95**5)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


def test_two_schedules_at_once_are_refused() -> None:
    model = network()
    recipe = Recipe(optimizer="python", warmup=3)
    descent = descent_for(model, recipe, 0.01, factory=Scheduled)
    model(torch.ones(4, 1, 12, 12)).sum().backward()
    descent.step(0.003)
    model(torch.ones(4, 1, 12, 12)).sum().backward()
    with pytest.raises(BadSetting, match="Scheduled changes its learning rates itself"):
        descent.step(0.006)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_sparse_embedding_moves_as_a_dense_one(
    dtype: torch.dtype, decay: float, momentum: float
) -> None:
    recipe = Recipe(momentum=momentum, weight_decay=decay)
    ends = []
    for sparse in (True, False):
        with seeded(0, "sparse"):
            model = nn.Sequential(nn.Embedding(8, 8, sparse=sparse), nn.Linear(8, 2))
        descent = descent_for(model.to(dtype), recipe, 0.1)
        reference = torch.optim.SGD(
            model.parameters(), lr=0.1, momentum=momentum, weight_decay=decay
        )
        words = torch.tensor([0, 3, 3, 5])
        for turn in range(3):
            loss = model(words + turn % 2).square().sum()
            if sparse:
                loss.backward()
                descent.step(0.1)
            else:
                reference.zero_grad()
                loss.backward()
                reference.step()
        tensors, _ = descent.state()
        assert all(tensor.layout == torch.strided for tensor in tensors.values())
        ends.append([p.detach() for p in model.parameters()])
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other)


def test_a_checkpoint_of_an_earlier_version_still_restores_adam() -> None:
    model, recipe, x = network(), Recipe(optimizer="adam"), torch.ones(4, 1, 12, 12)
    descent = descent_for(model, recipe, 0.01)
    model(x).square().mean().backward()
    descent.step(0.01)
    places = [p.detach().clone() for p in model.parameters()]
    entries = descent._optimizer.state_dict()["state"]
    tensors = {f"{i}.{n}": t.clone() for i, e in entries.items() for n, t in e.items()}
    loss = model(x).square().mean()
    loss.backward()
    descent.step(0.01)
    after = [p.detach().clone() for p in model.parameters()]
    with torch.no_grad():
        for parameter, place in zip(model.parameters(), places, strict=True):
            parameter.copy_(place)
    older = descent_for(model, recipe, 0.01)
    older.restore(tensors, {})
    model(x).square().mean().backward()
    older.step(0.01)
    assert all(map(torch.equal, after, model.parameters()))
