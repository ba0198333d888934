"""Optimizers: what is decayed, what is kept, what is refused."""

from __future__ import annotations

import pytest
import torch

from normlab.errors import BadSetting, RunFailed
from normlab.spec.recipe import Recipe
from normlab.train.descent import decays, descent_for
from tests.train.cases import network


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
        descent.step(model(torch.ones(4, 1, 12, 12)).square().mean(), 0.1)
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
    descent.step(ours(x).square().mean(), 0.01)
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
    descent.step(model(torch.ones(4, 1, 12, 12)).sum(), 0.1)
    with pytest.raises(RunFailed, match=r"Hoarder: no checkpoint can hold its 'state.*past"):
        descent.state()
