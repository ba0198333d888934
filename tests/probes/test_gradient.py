"""Lines and prefixes against slow direct computations in float64."""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from normlab.probes.along import ENDS, LENGTHS, Slope, follow
from normlab.probes.anatomy import trace_modules
from normlab.probes.gradient import AGAINST_EVERY, Gradient
from normlab.probes.gradient_shift import layers_behind_others
from normlab.records.observed.phases import moments, phases
from tests.probes.cases import NORMS, WEIGHTS, batch, small, step_state, stepped

RATE = 0.1


def measured(
    norm: str, against: Collection[int] = (4,)
) -> tuple[nn.Module, nn.Module, dict[str, np.ndarray]]:
    """The network before and after a step, and what the probe says about it."""
    model = small(norm)
    before = deepcopy(model)
    probe = Gradient(
        trace_modules(model, batch()[0]), weights=WEIGHTS, steps={4}, against=against
    )
    probe.observe(step_state(model, 4, rate=RATE))
    stepped(model)
    after = deepcopy(model)
    probe.observe(step_state(model, 5, rate=RATE))
    return before, after, {n: t.numpy() for n, t in probe.arrays().items()}


def gradient_at(
    model: nn.Module, place: dict[str, Tensor]
) -> tuple[float, dict[str, Tensor]]:
    """Loss and all gradients with some parameters put elsewhere, in a copy."""
    other = deepcopy(model)
    found = dict(other.named_parameters())
    for name, values in place.items():
        found[name].data = values.detach().clone()
    inputs, labels = batch()
    loss = cross_entropy(other(inputs), labels)
    loss.backward()
    return loss.item(), {n: p.grad for n, p in found.items() if p.grad is not None}


def length(parts: list[Tensor]) -> float:
    return float(torch.cat([part.detach().reshape(-1) for part in parts]).norm())


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("line", ["g", "u"])
def test_lines_are_those_of_weights_moved_by_hand(norm: str, line: str) -> None:
    before, after, arrays = measured(norm)
    start, end = dict(before.named_parameters()), dict(after.named_parameters())
    loss, g = gradient_at(before, {})
    step = {n: -RATE * g[n] if line == "g" else end[n] - start[n] for n in WEIGHTS}
    assert arrays["loss"][0] == pytest.approx(loss, rel=1e-12)
    assert arrays["norm"][0] == pytest.approx(
        length([g[n] for n in WEIGHTS]), rel=1e-12
    )
    largest = widest = 0.0
    for i, c in enumerate(LENGTHS):
        there, h = gradient_at(before, {n: start[n] + c * step[n] for n in WEIGHTS})
        assert arrays[f"loss_along_{line}"][0, i] == pytest.approx(there, rel=1e-10)
        if c not in ENDS:
            continue
        change, end_ = length([h[n] - g[n] for n in WEIGHTS]), ENDS.index(c)
        largest = max(largest, change / (c * length(list(step.values()))))
        if line == "u":
            found = arrays["change_along_u"][0, end_]
            assert found == pytest.approx(change, rel=1e-9)
        widest = max(widest, change)
    if line == "u":
        promised = sum((g[n] * step[n]).sum().item() for n in WEIGHTS)
        assert arrays["slope_along_u"][0] == pytest.approx(promised, rel=1e-9)
    if line == "g":
        assert arrays["predictiveness"][0] == pytest.approx(widest, rel=1e-9)
    name = "beta" if line == "g" else "beta_u"
    assert arrays[name][0] == pytest.approx(largest, rel=1e-9)


@pytest.mark.parametrize("norm", NORMS)
def test_by_row_it_is_the_smoothness_of_a_network_in_lengths_of_its_rows(
    norm: str,
) -> None:
    """Every weight written as its rows' lengths times other numbers, v = w / D."""
    before, after, arrays = measured(norm)
    start, end = dict(before.named_parameters()), dict(after.named_parameters())
    inputs, labels = batch()
    lengths = {n: start[n].detach().norm(dim=1, keepdim=True) for n in WEIGHTS}

    def slope(c: float) -> list[Tensor]:
        point = {
            n: ((start[n] + c * (end[n] - start[n])) / lengths[n]).detach()
            for n in WEIGHTS
        }
        free = {n: values.requires_grad_() for n, values in point.items()}
        placed = {n: lengths[n] * values for n, values in free.items()}
        loss = cross_entropy(functional_call(before, placed, (inputs,)), labels)
        return list(torch.autograd.grad(loss, list(free.values())))

    way = length([(end[n] - start[n]) / lengths[n] for n in WEIGHTS])
    largest = max(
        length([h - g for h, g in zip(slope(c), slope(0.0), strict=True)]) / (c * way)
        for c in ENDS
    )
    assert arrays["beta_u_by_row"][0] == pytest.approx(largest, rel=1e-9)
    logs = [lengths[n].log().mean().item() * start[n].numel() for n in WEIGHTS]
    mean = sum(logs) / sum(start[n].numel() for n in WEIGHTS)
    assert arrays["row_length"][0] == pytest.approx(np.exp(mean), rel=1e-12)


def sgd_measured(model: nn.Sequential, rates: dict[str, float]) -> dict[str, float]:
    """What the probe says of three steps with momentum, each parameter at its rate."""
    probe = Gradient(
        trace_modules(model, batch()[0]), weights=WEIGHTS, steps={2}, against={2}
    )
    inputs, labels = batch()
    velocity = {n: torch.zeros_like(p) for n, p in model.named_parameters()}
    for step in range(4):
        probe.observe(step_state(model, step, rate=RATE))
        model.zero_grad()
        cross_entropy(model(inputs), labels).backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None
            velocity[name] = 0.9 * velocity[name] + parameter.grad
            parameter.data -= rates.get(name, RATE) * velocity[name]
    return {n: float(t[0]) for n, t in probe.arrays().items() if t.shape == (1,)}


def test_a_scaled_row_in_front_of_a_norm_changes_the_raw_smoothness_alone() -> None:
    """Rows and biases times k at k squared times the rate; eps of the norm too."""
    k = 3.0
    model = small("batch")
    twin = deepcopy(model)
    rates = {}
    for front in ("0", "3"):
        twin.get_parameter(f"{front}.weight").data *= k
        twin.get_parameter(f"{front}.bias").data *= k
        rates |= {f"{front}.weight": RATE * k**2, f"{front}.bias": RATE * k**2}
    for norm in ("1", "4"):
        after_it = twin.get_submodule(norm)
        assert isinstance(after_it, nn.BatchNorm1d)
        after_it.eps *= k**2
    one, other = sgd_measured(model, {}), sgd_measured(twin, rates)
    for name in ("loss", "slope_along_u", "beta_u_by_row"):
        assert other[name] == pytest.approx(one[name], rel=1e-9)
    assert other["beta_u"] < one["beta_u"] / 2
    assert other["row_length"] > one["row_length"]


def test_a_row_of_length_0_is_left_out() -> None:
    model = small("none")
    model.get_parameter("3.weight").data[1] = 0
    probe = Gradient(
        trace_modules(model, batch()[0]), weights=WEIGHTS, steps={0}, against={0}
    )
    probe.observe(step_state(model, 0))
    stepped(model)
    probe.observe(step_state(model, 1))
    found = probe.arrays()["beta_u_by_row"].numpy()
    assert np.isfinite(found).all() and found[0] > 0


@pytest.mark.parametrize("norm", NORMS)
def test_shift_is_that_of_weights_composed_by_hand(norm: str) -> None:
    before, after, arrays = measured(norm)
    _, g = gradient_at(before, {})
    end = dict(after.named_parameters())
    prefixes = {"3.weight": ("0.", "1."), "6.weight": ("0.", "1.", "3.", "4.")}
    for number, (name, prefix) in enumerate(prefixes.items(), start=1):
        moved = {n: p for n, p in end.items() if n.startswith(prefix)}
        _, h = gradient_at(before, moved)
        expected = length([g[name] - h[name]]) / length([g[name]])
        cosine = torch.cosine_similarity(g[name].flatten(), h[name].flatten(), dim=0)
        key = f"{number:03d}:{name}"
        assert arrays[f"{key}:shift"][0] == pytest.approx(expected, rel=1e-9)
        assert arrays[f"{key}:shift_cosine"][0] == pytest.approx(
            cosine.item(), rel=1e-9
        )


def test_the_first_layer_has_no_layers_before_it() -> None:
    _, _, arrays = measured("batch")
    assert not any(name.startswith("000:") for name in arrays)


def test_only_shared_weights_move_along_a_line() -> None:
    model = small("batch")
    biases = {
        n: p.detach().clone() for n, p in model.named_parameters() if n not in WEIGHTS
    }
    found = dict(model.named_parameters())
    weights = [found[name] for name in WEIGHTS]
    inputs, labels = batch()
    slope = Slope(loss=lambda: cross_entropy(model(inputs), labels), weights=weights)
    origin = [w.detach().clone() for w in weights]
    _, gradient = slope()
    follow(slope, origin=origin, gradient=gradient, direction=gradient)
    assert all(found[name].equal(values) for name, values in biases.items())
    assert not any(w.equal(o) for w, o in zip(weights, origin, strict=True))


@pytest.mark.parametrize("axis", range(3))
def test_on_a_quadratic_smoothness_is_the_curvature_along_the_direction(
    axis: int,
) -> None:
    curvature = torch.tensor([0.5, 2.0, 7.0], dtype=torch.float64)
    weight = nn.Parameter(torch.ones(3, dtype=torch.float64))
    slope = Slope(loss=lambda: 0.5 * (curvature * weight**2).sum(), weights=[weight])
    direction = torch.eye(3, dtype=torch.float64)[axis]
    line = follow(
        slope,
        origin=[weight.detach().clone()],
        gradient=[curvature.clone()],
        direction=[direction],
        rows=[torch.full((3,), 2.0, dtype=torch.float64)],
        factor=-0.1,
    )
    assert line.smoothness == pytest.approx(float(curvature[axis]), rel=1e-12)
    # with all rows of length 2 a curvature is four times as large
    assert line.smoothness_by_row == pytest.approx(4 * line.smoothness, rel=1e-12)
    assert line.slope == pytest.approx(-0.1 * float(curvature[axis]))
    assert line.predictiveness == pytest.approx(4 * 0.1 * float(curvature[axis]))
    assert line.loss[1] == pytest.approx(4.75 - float(curvature[axis]) * (0.1 - 0.005))


def test_a_step_that_was_not_taken_gives_no_number() -> None:
    model = small("none")
    probe = Gradient(
        trace_modules(model, batch()[0]), weights=WEIGHTS, steps={0}, against={0}
    )
    probe.observe(step_state(model, 0))
    probe.observe(step_state(model, 1))
    assert np.isnan(probe.arrays()["beta_u"].numpy()).all()


def test_it_touches_the_model_only_once_the_step_is_taken() -> None:
    model = small("none")
    probe = Gradient(
        trace_modules(model, batch()[0]), weights=WEIGHTS, steps={0}, against={0}
    )
    assert not probe.touches
    probe.observe(step_state(model, 0))
    assert probe.touches


def test_of_a_deep_network_eight_layers_are_looked_at() -> None:
    names = tuple(f"layer{i}" for i in range(40))
    picked = layers_behind_others(names)
    assert len(picked) == 8 and picked[0] == "layer1" and picked[-1] == "layer39"


@pytest.mark.parametrize("against", [set[int](), {4}])
def test_what_is_not_followed_is_nan_and_changes_nothing_else(
    against: set[int],
) -> None:
    _, _, whole = measured("batch")
    _, _, found = measured("batch", against)
    assert found["against"].item() == bool(against)
    unseen = set() if against else {"loss_along_g", "predictiveness", "beta"}
    for name in found.keys() - {"against"}:
        expected = np.nan * whole[name] if name in unseen else whole[name]
        np.testing.assert_array_equal(found[name], expected)


def test_each_phase_of_a_training_has_moments_against_the_gradient() -> None:
    every = moments(4690)
    for phase in phases(every, 4690):
        followed = [m for m in every[::AGAINST_EVERY] if phase.first <= m <= phase.last]
        assert len(followed) >= 2, phase
