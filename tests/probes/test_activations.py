from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import batch_norm, layer_norm

from normlab.base.streams import seeded
from normlab.probes.activations import Activations, standardised
from normlab.probes.anatomy import trace_modules
from normlab.probes.context import ProbeBatch
from normlab.probes.forward import normalised, observe_pass
from normlab.records.observed.activations import ActivationArrays
from tests.probes.cases import batch, small, step_state, stepped


def seen(model: nn.Module) -> dict[str, np.ndarray]:
    inputs, _ = batch()
    anatomy = trace_modules(model, inputs)
    return {
        n: t.numpy()
        for n, t in observe_pass(model, inputs, anatomy, seed=0).row.items()
    }


def test_the_nonlinearitys_input_is_what_the_layers_before_it_give() -> None:
    model = small("batch")
    x = batch()[0]
    expected = model[1](model[0](x)).detach().numpy()
    row = seen(model)
    assert np.allclose(row["001:2:in_mean"], expected.mean(axis=0), atol=1e-14)
    assert np.allclose(row["001:2:in_std"], expected.std(axis=0), rtol=1e-13)


def test_a_norms_input_and_xhat_are_seen_before_gain_and_shift() -> None:
    model = small("batch")
    x = model[0](batch()[0]).detach().numpy()
    xhat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + model[1].eps)
    row = seen(model)
    assert np.allclose(row["000:1:x_mean"], x.mean(axis=0), atol=1e-14)
    assert np.allclose(row["000:1:xhat_std"], xhat.std(axis=0), rtol=1e-12)
    unit = np.isclose(row["000:1:xhat_values"], xhat.T, rtol=1e-12).all(axis=1)
    assert unit.sum() == 1


def test_percentiles_of_the_input_are_those_of_all_units() -> None:
    model = small("batch")
    x = model[1](model[0](batch()[0])).detach().numpy()
    expected = np.percentile(x, (15, 50, 85))
    assert np.allclose(seen(model)["001:2:in_percentiles"], expected, atol=1e-6)


def test_gain_shift_and_averages_are_kept() -> None:
    model = small("batch")
    expected = {
        "gamma": model[1].weight,
        "beta": model[1].bias,
        "running_mean": model[1].running_mean,
        "running_var": model[1].running_var,
    }
    kept = {name: t.detach().clone() for name, t in expected.items()}
    inputs, _ = batch()
    row = observe_pass(model, inputs, trace_modules(model, inputs), seed=0).row
    # the averages as they were before this look moved them
    assert all(row[f"000:1:{name}"].equal(t) for name, t in kept.items())


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        (nn.BatchNorm1d(4), lambda x: batch_norm(x, None, None, training=True)),
        (nn.LayerNorm(4), lambda x: layer_norm(x, (4,))),
    ],
)
def test_xhat_is_the_norm_without_gain_and_shift(norm: nn.Module, expected) -> None:
    norm = norm.double()
    nn.init.zeros_(norm.weight)  # where the output tells nothing
    x = batch()[0][:, :4]
    assert torch.allclose(normalised(norm, x), expected(x))


def test_a_unit_that_is_never_positive_is_dead() -> None:
    model = small("none")
    model[3].bias.data[2] = -100.0
    assert seen(model)["001:5:dead"].tolist() == [False, False, True, False]


def test_a_unit_beyond_the_limits_is_saturated() -> None:
    model = small("none")
    model[0].bias.data[1] = 100.0
    model[0].weight.data[0], model[0].bias.data[0] = 0.0, 0.0
    share = seen(model)["000:2:saturated"]
    assert share[1] == 1 and share[0] == 0


def test_a_tanh_is_saturated_where_it_is_within_a_hundredth_of_its_reach() -> None:
    model = small("none")
    model[0].weight.data[:] = 0.0
    limit = np.arctanh(0.98)
    model[0].bias.data[:2] = torch.tensor([limit + 1e-6, limit - 1e-6])
    assert seen(model)["000:2:saturated"][:2].tolist() == [1, 0]


def looked(model: nn.Module, steps: int) -> dict[str, np.ndarray]:
    inputs, labels = batch()
    probe = Activations(
        trace_modules(model, inputs),
        ProbeBatch(images=torch.arange(12), inputs=inputs, labels=labels),
        seed=0,
        steps=range(steps + 1),
    )
    for step in range(steps + 1):
        probe.observe(step_state(model, step))
        model.train()
        stepped(model, seed=step)
    return {name: t.numpy() for name, t in probe.arrays().items()}


def test_features_are_compared_with_those_at_the_end() -> None:
    model = small("none")
    arrays = looked(small("none"), 2)
    at = []
    for step in range(3):
        at.append(model[0](batch()[0]).detach().numpy())
        stepped(model, seed=step)
    for step in range(3):
        expected = [
            np.corrcoef(a, b)[0, 1] for a, b in zip(at[step].T, at[2].T, strict=True)
        ]
        assert np.allclose(arrays["000:2:correlation"][step], expected, atol=1e-3)


def test_a_place_that_is_not_passed_at_every_look_is_left_out() -> None:
    class Detour(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self[3](self[2](self[0](x)))
            return self[6](self[5](x) if self.long else x)

    inputs, labels = batch()
    model = Detour(*small("none"))
    model.long = True
    probe = Activations(
        trace_modules(model, inputs),
        ProbeBatch(images=torch.arange(12), inputs=inputs, labels=labels),
        seed=0,
        steps=range(3),
    )
    for step, model.long in enumerate((True, False, True)):
        probe.observe(step_state(model, step))
    arrays = {name: t.numpy() for name, t in probe.arrays().items()}
    (place,) = ActivationArrays.unpacked(arrays).hidden
    assert place.path == "2"


def test_before_the_end_there_is_nothing_to_compare_with() -> None:
    model = small("none")
    inputs, labels = batch()
    probe = Activations(
        trace_modules(model, inputs),
        ProbeBatch(images=torch.arange(12), inputs=inputs, labels=labels),
        seed=0,
        steps={0, 5},
    )
    probe.observe(step_state(model, 0))
    assert not any("correlation" in name for name in probe.arrays())


def test_a_constant_feature_has_no_correlation() -> None:
    assert standardised(torch.ones(1, 8)).isnan().all()


def test_a_frozen_norm_keeps_its_own_statistics() -> None:
    model = small("batch")
    model[1].eval()
    x = model[0](batch()[0]).detach()
    expected = (x - model[1].running_mean) / (
        model[1].running_var + model[1].eps
    ).sqrt()
    assert np.allclose(seen(model)["000:1:xhat_mean"], expected.mean(dim=0), atol=1e-13)


class Turned(nn.Module):
    """Linear over the last axis, then turned, so that batch norm finds its units."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.linear, self.norm, self.relu = nn.Linear(6, 9), norm, nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.norm(self.linear(x).transpose(1, 2))).mean(2)


@pytest.mark.parametrize("norm", [nn.Identity(), nn.BatchNorm1d(9)])
def test_units_are_found_on_an_axis_that_a_function_turned(norm: nn.Module) -> None:
    with seeded(0, "turned"):
        model, inputs = Turned(norm), torch.randn(8, 9, 6)  # as many units as positions
    row = observe_pass(model, inputs, trace_modules(model, inputs), seed=0).row
    into = model.norm(model.linear(inputs).transpose(1, 2)).detach().double()
    seen = {name.partition(":")[2]: value for name, value in row.items()}
    expected = into.mean(dim=(0, 2))
    assert torch.allclose(seen["relu:in_mean"].double(), expected, atol=1e-6)


class Squared(nn.Module):
    """Products of tokens with each other, as in attention: no units behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.relu = nn.Linear(6, 9), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.linear(x)
        return self.relu(tokens @ tokens.transpose(1, 2)).mean(2)


def test_where_there_are_no_units_none_are_shown() -> None:
    with seeded(0, "squared"):
        model, inputs = Squared(), torch.randn(8, 9, 6)
    assert observe_pass(model, inputs, trace_modules(model, inputs), seed=0).row == {}
