"""Marked places: where they are seen on a plane, and what loss was really there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from normlab.base.streams import numpy_stream, seeded, stream
from normlab.errors import BadModel
from normlab.landscape.planes.common import common_plane
from normlab.landscape.planes.path import path_plane
from normlab.landscape.planes.plane import Arrays, Plane, projected
from normlab.landscape.surface import surface
from normlab.records.surface import Mark

EXAMPLES, BATCH, SEED = 96, 16, 5


def network(seed: int) -> nn.Module:
    with seeded(seed, "init"):
        model = nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)
        )
    with torch.no_grad():  # buffers and scales of its own, as after training
        model(torch.randn(50, 6, generator=stream(seed, "seen")) * 3 + seed)
        model[1].weight.mul_(1.5).sub_(0.1 * seed)
    return model.eval()


def data() -> tuple[Tensor, Tensor]:
    g = stream(2, "data")
    x = torch.randn(EXAMPLES, 6, generator=g)
    return x, torch.randint(0, 3, (EXAMPLES,), generator=g)


def state(model: nn.Module) -> Arrays:
    return {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}


def parameters(model: nn.Module) -> Arrays:
    return {n: p.detach().numpy().copy() for n, p in model.named_parameters()}


def plainly(model: nn.Module, statistics: str) -> float:
    """The loss by float64 arithmetic, example by example."""
    w = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    x, y = (tensor.numpy() for tensor in data())
    # the cut has a documented address
    order = torch.randperm(EXAMPLES, generator=stream(SEED, "surface", "batches"))
    size = BATCH if statistics == "batch" else EXAMPLES
    total = 0.0
    for rows in np.split(order.numpy(), EXAMPLES // size):
        h = x[rows].astype(float) @ w["0.weight"].T + w["0.bias"]
        mean, variance = h.mean(0), h.var(0)
        if statistics == "running":
            mean, variance = w["1.running_mean"], w["1.running_var"]
        h = (h - mean) / np.sqrt(variance + model[1].eps)
        h = np.maximum(h * w["1.weight"] + w["1.bias"], 0)
        outputs = h @ w["3.weight"].T + w["3.bias"]
        for scores, label in zip(outputs, y[rows], strict=True):
            total += np.log(np.exp(scores).sum()) - scores[label]
    return total / EXAMPLES


@pytest.mark.parametrize("statistics", ["batch", "full", "running"])
def test_the_true_loss_is_that_of_the_network_that_was_there(statistics) -> None:
    places = {f"step {i}": network(i) for i in range(4)}
    snapshots = [parameters(model) for model in places.values()]
    plane = path_plane(snapshots, range(4))
    plane = replace(plane, real={n: state(model) for n, model in places.items()})
    end = places["step 3"]
    found = surface(
        end, data(), plane, statistics, batch_size=BATCH, points=3, seed=SEED
    )
    for mark in found.marks:
        expected = plainly(places[mark.name], statistics)
        assert mark.true_loss == pytest.approx(expected, rel=1e-5)
    assert found.marks[-1].off_plane == 0
    assert found.marks[-1].true_loss == pytest.approx(
        found.marks[-1].plane_loss, rel=1e-6
    )
    # elsewhere the plane is not where the network was
    assert abs(found.marks[1].true_loss / found.marks[1].plane_loss - 1) > 0.01


def test_nobody_is_told_a_true_loss_that_was_not_measured() -> None:
    models = [network(i) for i in range(4)]
    plane = path_plane([parameters(model) for model in models], range(4))
    plane = replace(plane, real={"step 2": state(models[2])})
    found = surface(models[-1], data(), plane, batch_size=BATCH, points=3)
    assert [mark.true_loss is None for mark in found.marks] == [True, True, False, True]


def test_a_loss_that_is_not_finite_is_none_of_any_number() -> None:
    model = network(0)
    broken = {**state(model), "3.bias": np.full(3, np.inf, np.float32)}
    plane = Plane(
        kind="mine",
        first={"0.bias": np.ones(8)},
        second={"3.bias": np.ones(3)},
        marks=(Mark(name="there", a=0, b=0),),
        real={"there": broken},
    )
    (mark,) = surface(model, data(), plane, batch_size=BATCH, points=3).marks
    assert mark.true_loss is not None
    assert np.isnan(mark.true_loss)


@pytest.mark.parametrize(
    "wrong", [{"5.weight": np.ones(3)}, {"0.bias": np.ones(7)}], ids=["name", "shape"]
)
def test_another_network_at_a_mark_is_refused(wrong: Arrays) -> None:
    model = network(0)
    plane = Plane(
        kind="mine",
        first={"0.bias": np.ones(8)},
        second={"3.bias": np.ones(3)},
        marks=(Mark(name="there", a=0, b=0),),
        real={"there": wrong},
    )
    with pytest.raises(BadModel, match="Mark networks of this model"):
        surface(model, data(), plane, batch_size=BATCH, points=3)


def test_a_network_is_seen_where_least_squares_put_it() -> None:
    def drawn(name: str) -> dict[str, np.ndarray]:
        g = numpy_stream(0, name)
        return {
            "w": g.normal(size=(4, 5)).astype(np.float32),
            "v": g.normal(size=7).astype(np.float32),
        }

    start, one, two, place, held = map(drawn, ("start", "one", "two", "place", "held"))
    plane = common_plane(start, {"one": one, "two": two}, shared=["w"])
    mark = projected(plane, "here", place, held=held)
    # over all parameters: those of the plane and those it holds
    directions = np.stack([(e["w"] - start["w"]).ravel() for e in (one, two)], axis=1)
    apart = (place["w"] - start["w"]).ravel().astype(float)
    steps = np.linalg.lstsq(directions, apart, rcond=None)[0]
    shadow = directions @ steps
    rest = np.concatenate([apart - shadow, place["v"].astype(float) - held["v"]])
    assert mark.off_plane == pytest.approx(np.linalg.norm(rest), rel=1e-5)
    on_plane = mark.a * plane.first["w"] + mark.b * plane.second["w"]
    np.testing.assert_allclose(on_plane.ravel(), shadow, atol=1e-5)


def test_what_spans_the_plane_lies_on_it() -> None:
    start, one, two = (
        {"w": numpy_stream(i, "w").normal(size=(40, 50)).astype(np.float32)}
        for i in range(3)
    )
    plane = common_plane(start, {"one": one, "two": two}, shared=["w"])
    for known, place in zip(plane.marks, (start, one, two), strict=True):
        mark = projected(plane, known.name, place, held={})
        assert (mark.a, mark.b) == pytest.approx((known.a, known.b), abs=1e-4)
        assert mark.off_plane < 1e-4
