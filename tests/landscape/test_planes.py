"""Planes: random, by two parameters, of a path, and common to twins."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from normlab.base.streams import numpy_stream, seeded, stream
from normlab.errors import BadData, BadSetting
from normlab.landscape.planes.common import common_plane
from normlab.landscape.planes.named import named_plane
from normlab.landscape.planes.path import path_plane, random_walk_shares
from normlab.landscape.planes.plane import Plane
from normlab.landscape.planes.random import random_plane
from normlab.landscape.surface import surface


def network() -> nn.Module:
    with seeded(0, "init"):
        return nn.Sequential(
            nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 4)
        )


def walk(steps: int, size: int = 4000) -> list[dict[str, np.ndarray]]:
    moves = numpy_stream(1, "walk").normal(size=(steps, size))
    return [{"w": place} for place in moves.cumsum(0)]


def test_every_filter_of_a_random_direction_is_as_long_as_the_weights_filter() -> None:
    model = network()
    plane = random_plane(model, seed=3)
    for direction in (plane.first, plane.second):
        assert set(direction) == {"0.weight", "3.weight"}
        for name, array in direction.items():
            weight = model.get_parameter(name).detach().numpy()
            for ours, theirs in zip(array, weight, strict=True):
                assert np.linalg.norm(ours) == pytest.approx(np.linalg.norm(theirs))


def test_twins_share_the_draw_of_the_weights_they_share() -> None:
    one, other = nn.Linear(5, 5), nn.Sequential()
    other.weight, other.extra = one.weight, nn.Parameter(torch.ones(2, 2))
    draws = random_plane(one).first, random_plane(other).first
    assert np.array_equal(draws[0]["weight"], draws[1]["weight"])


def test_a_filter_of_zeros_does_not_move() -> None:
    model = nn.Linear(3, 2)
    nn.init.zeros_(model.weight)
    assert not random_plane(model).first["weight"].any()


def test_a_single_parameter_is_moved_in_its_own_units() -> None:
    plane = named_plane(network(), "0.weight[1,0,0,1]", "3.bias[2]")
    assert plane.first["0.weight"][1, 0, 0, 1] == plane.first["0.weight"].sum() == 1
    assert plane.second["3.bias"].tolist() == [0, 0, 1, 0]


BAD_NAMES = {
    "0.weight": "does not name one parameter. Write it with its index",
    "fc1.weight[0,0]": r"has no parameter 'fc1.weight'. It has 0.weight",
    "3.bias[4]": r"outside of '3.bias', whose shape is \(4,\)",
    "3.bias[0,0]": r"outside of '3.bias'",
    "3.bias[1]": "is named twice",
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_what_names_no_parameter_is_refused(name: str) -> None:
    with pytest.raises(BadSetting, match=BAD_NAMES[name]):
        named_plane(network(), name, "3.bias[1]")


def test_a_path_plane_is_the_singular_value_decomposition_of_the_path() -> None:
    snapshots = walk(12, size=50)
    plane = path_plane(snapshots, range(12))
    rows = np.stack([s["w"] - snapshots[-1]["w"] for s in snapshots])
    _, singular, vectors = np.linalg.svd(rows)
    for direction, expected in zip((plane.first, plane.second), vectors, strict=False):
        assert abs(direction["w"] @ expected) == pytest.approx(1)
        assert np.linalg.norm(direction["w"]) == pytest.approx(1)
    share = singular[0] ** 2 / (singular**2).sum()
    assert plane.facts["explained_1"] == pytest.approx(share)
    for mark, row in zip(plane.marks, rows, strict=True):
        assert mark.a == pytest.approx(row @ plane.first["w"], abs=1e-9)
        assert mark.b == pytest.approx(row @ plane.second["w"], abs=1e-9)
        rest = row - mark.a * plane.first["w"] - mark.b * plane.second["w"]
        assert mark.off_plane == pytest.approx(np.linalg.norm(rest), abs=1e-5)


def test_the_end_of_the_path_lies_on_the_grid_with_its_own_loss() -> None:
    model = network()
    g = stream(1, "data")
    x, y = torch.randn(70, 1, 3, 3, generator=g), torch.arange(70) % 4
    snapshots = []
    optimizer = torch.optim.SGD(model.parameters(), 0.3)
    for _ in range(4):
        snapshots.append(
            {n: p.detach().numpy().copy() for n, p in model.named_parameters()}
        )
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    for name, parameter in model.named_parameters():
        parameter.data = torch.from_numpy(snapshots[-1][name].copy())
    plane = path_plane(snapshots, range(4))
    found = surface(model, (x, y), plane=plane, statistics="full", points=9)
    trained = nn.functional.cross_entropy(model.train()(x), y).item()
    at_end = found.loss[found.b == 0][:, found.a == 0]
    assert at_end.item() == pytest.approx(trained, rel=1e-5)
    end = found.marks[-1]
    assert (end.a, end.b, end.off_plane) == (0, 0, 0)
    assert end.plane_loss == pytest.approx(trained, rel=1e-5)
    assert found.a[0] < min(m.a for m in found.marks)
    assert found.a[-1] > max(m.a for m in found.marks)


def test_a_random_walk_has_the_shares_of_its_null() -> None:
    shares = random_walk_shares(range(200))
    assert shares[:2] == pytest.approx((0.811, 0.090), abs=0.002)
    plane = path_plane(walk(200), range(200))
    assert plane.facts["explained_1"] == pytest.approx(shares[0], abs=0.02)
    assert plane.facts["null_1"] == pytest.approx(shares[0])


@pytest.mark.parametrize(
    ("snapshots", "steps", "text"),
    [
        (walk(2), [0, 1], "2 snapshots span no plane"),
        (walk(4), [0, 1], "2 steps for 4 snapshots"),
        ([{"w": np.ones(3) * i} for i in range(5)], range(5), "lie on one line"),
        ([*walk(3), {"v": np.ones(3)}], range(4), "step 0 has other names"),
        ([{"w": np.array([1, np.nan])}] * 3, range(3), "not finite"),
    ],
)
def test_a_path_that_spans_no_plane_is_refused(snapshots, steps, text: str) -> None:
    with pytest.raises(BadData, match=text):
        path_plane(snapshots, steps)


def test_the_common_plane_goes_through_the_start_and_both_ends() -> None:
    start, one, two = (
        {"w": numpy_stream(i, "w").normal(size=(4, 5))} for i in range(3)
    )
    plane = common_plane(start, {"none": one, "batch": two}, shared=["w"])
    for mark, place in zip(plane.marks, (start, one, two), strict=True):
        on_plane = (
            plane.origin["w"] + mark.a * plane.first["w"] + mark.b * plane.second["w"]
        )
        assert on_plane == pytest.approx(place["w"])
    assert [mark.name for mark in plane.marks] == ["start", "end none", "end batch"]


BAD_TWINS = {
    "takes two": ({"none": {"w": np.ones(3)}}, ["w"]),
    "'none' has no weight 'v'": (
        {"none": {"w": np.ones(3)}, "batch": {"v": np.ones(3)}},
        ["v"],
    ),
    "lie on one line": (
        {"none": {"w": np.ones(3)}, "batch": {"w": 2 * np.ones(3)}},
        ["w"],
    ),
}


@pytest.mark.parametrize("text", BAD_TWINS)
def test_twins_without_a_common_plane_are_refused(text: str) -> None:
    ends, shared = BAD_TWINS[text]
    start = {"w": np.zeros(3), "v": np.zeros(3)}
    with pytest.raises(BadData, match=text):
        common_plane(start, ends, shared=shared)


def test_a_window_off_the_origin_still_has_a_sample_there() -> None:
    plane = Plane(kind="path", first={}, second={}, across=(-0.3, 1.0))
    for points in (3, 7, 49):
        a, _ = plane.grid(points)
        assert len(a) == points and (a == 0).sum() == 1
