"""Lines and prefixes against slow direct computations in float64."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from normlab.probes.along import ENDS, LENGTHS, Slope, follow
from normlab.probes.anatomy import trace_modules
from normlab.probes.gradient import Gradient
from normlab.probes.gradient_shift import layers_behind_others
from tests.probes.cases import NORMS, WEIGHTS, batch, small, step_state, stepped

RATE = 0.1


def measured(norm: str) -> tuple[nn.Module, nn.Module, dict[str, np.ndarray]]:
    """The network before and after a step, and what the probe says about it."""
    model = small(norm)
    before = deepcopy(model)
    probe = Gradient(trace_modules(model, batch()[0]), weights=WEIGHTS, steps={4})
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
    if line == "g":
        assert arrays["predictiveness"][0] == pytest.approx(widest, rel=1e-9)
    name = "beta" if line == "g" else "beta_u"
    assert arrays[name][0] == pytest.approx(largest, rel=1e-9)


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
        factor=-0.1,
    )
    assert line.smoothness == pytest.approx(float(curvature[axis]), rel=1e-12)
    assert line.predictiveness == pytest.approx(4 * 0.1 * float(curvature[axis]))
    assert line.loss[1] == pytest.approx(4.75 - float(curvature[axis]) * (0.1 - 0.005))


def test_a_step_that_was_not_taken_gives_no_number() -> None:
    model = small("none")
    probe = Gradient(trace_modules(model, batch()[0]), weights=WEIGHTS, steps={0})
    probe.observe(step_state(model, 0))
    probe.observe(step_state(model, 1))
    assert np.isnan(probe.arrays()["beta_u"].numpy()).all()


def test_it_touches_the_model_only_once_the_step_is_taken() -> None:
    model = small("none")
    probe = Gradient(trace_modules(model, batch()[0]), weights=WEIGHTS, steps={0})
    assert not probe.touches
    probe.observe(step_state(model, 0))
    assert probe.touches


def test_of_a_deep_network_eight_layers_are_looked_at() -> None:
    names = tuple(f"layer{i}" for i in range(40))
    picked = layers_behind_others(names)
    assert len(picked) == 8 and picked[0] == "layer1" and picked[-1] == "layer39"
