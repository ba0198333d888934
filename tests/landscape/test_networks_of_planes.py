"""Planes through networks, however these are given, against plain linear algebra."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from normlab.errors import BadData, BadModel, BadSetting, NormlabError
from normlab.landscape.planes.common import common_plane
from normlab.landscape.planes.models import models_plane
from normlab.landscape.planes.named import named_plane
from normlab.landscape.planes.networks import Network
from normlab.landscape.planes.path import path_plane
from normlab.landscape.planes.plane import Plane
from normlab.landscape.surface import surface

from .spanning import KINDS, Around, data, made, naive_loss, vector


def saved(model: nn.Module) -> Any:
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def wrapped(prefix: str) -> Callable[[nn.Module], Network]:
    return lambda model: {f"{prefix}{n}": t for n, t in saved(model).items()}


GIVEN: dict[str, Callable[[nn.Module], Network]] = {
    "module": copy.deepcopy,
    "torch.load": saved,
    "clones": lambda m: {n: t.clone() for n, t in m.state_dict().items()},
    "arrays": lambda m: {n: t.numpy().copy() for n, t in m.state_dict().items()},
    "checkpoint": lambda m: {"epoch": 3, "state_dict": saved(m), "lr": [0.1]},
    "model of a checkpoint": lambda m: {"model": saved(m), "optimizer": {"state": {}}},
    "DataParallel": wrapped("module."),
    "Lightning": lambda m: {"state_dict": wrapped("model.")(m)},
    "AveragedModel": lambda m: AveragedModel(copy.deepcopy(m)).state_dict(),
    "compiled": wrapped("_orig_mod."),
}


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("kind", KINDS)
def test_a_path_plane_is_that_of_the_parameters_alone(kind: str, given: str) -> None:
    models = [made(kind, seed) for seed in range(5)]
    plane = path_plane([GIVEN[given](model) for model in models], range(5))
    rows = np.stack([vector(model) - vector(models[-1]) for model in models])
    _, singular, axes = np.linalg.svd(rows)
    shares = singular**2 / (singular**2).sum()
    assert plane.facts["explained_1"] == pytest.approx(shares[0], rel=1e-5)
    for mark, row in zip(plane.marks, rows, strict=True):
        seen = np.abs(axes[:2] @ row)
        assert (abs(mark.a), abs(mark.b)) == pytest.approx(tuple(seen), abs=1e-4)
        off = np.linalg.norm(row - axes[:2].T @ (axes[:2] @ row))
        assert mark.off_plane == pytest.approx(off, abs=1e-3)
    found = surface(models[-1], data(), plane, "running", points=3)
    for mark, model in zip(found.marks, models, strict=True):
        assert mark.true_loss == pytest.approx(naive_loss(model, *data()), rel=1e-4)
    assert found.marks[-1].plane_loss == pytest.approx(found.marks[-1].true_loss)


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("kind", KINDS)
def test_the_line_between_two_networks_is_the_loss_between_them(
    kind: str, given: str
) -> None:
    one, other = made(kind, 1), made(kind, 2)
    ends = (GIVEN[given](one), GIVEN[given](other))
    found = surface(one, data(), ends, "running", points=9)
    assert found.is_line and found.plane == "line" and found.computed.all()
    assert found.loss.shape == (1, 9)
    assert (found.a[0], found.a[-1], *found.b) == (-0.5, 1.5, 0.0)
    distance = np.linalg.norm(vector(one) - vector(other))
    assert found.facts["distance"] == pytest.approx(distance, rel=1e-5)
    between = copy.deepcopy(one)
    for a, loss in zip(found.a, found.loss[0], strict=True):
        weights = zip(
            between.parameters(), one.parameters(), other.parameters(), strict=True
        )
        for moved, start, end in weights:
            moved.data = start.data + a * (end.data - start.data)
        assert loss == pytest.approx(naive_loss(between, *data()), rel=1e-4)
    true = [naive_loss(model, *data()) for model in (one, other)]
    assert [m.true_loss for m in found.marks] == pytest.approx(true, rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_plane_through_three_networks_holds_them(kind: str) -> None:
    models = {name: made(kind, seed) for seed, name in enumerate(("low", "mid", "top"))}
    found = surface(models["low"], data(), models, "running", points=3)
    origin, one, other = map(vector, models.values())
    u, v = one - origin, other - origin
    shadow = v @ u / np.linalg.norm(u)
    height = np.linalg.norm(v - shadow * u / np.linalg.norm(u))
    places = [(0, 0), (np.linalg.norm(u), 0), (shadow, height)]
    assert [mark.name for mark in found.marks] == ["low", "mid", "top"]
    for mark, place, model in zip(found.marks, places, models.values(), strict=True):
        assert (mark.a, mark.b) == pytest.approx(place, rel=1e-4, abs=1e-4)
        assert mark.true_loss == pytest.approx(naive_loss(model, *data()), rel=1e-4)
    # at the networks themselves, full statistics leave buffers out of it
    full = surface(models["low"], data(), list(models.values()), "full", points=3)
    for mark in full.marks:
        assert mark.plane_loss == pytest.approx(mark.true_loss, rel=1e-3)
    assert [mark.name for mark in full.marks] == ["A", "B", "C"]


def test_several_paths_lie_on_one_plane() -> None:
    models = [made("plain", seed) for seed in range(8)]
    paths = {"sgd": models[:4], "adam": models[4:]}
    plane = path_plane(paths, {"sgd": range(4), "adam": [0, 5, 10, 20]})
    end = vector(models[3])  # of the first path
    rows = np.stack([vector(model) - end for model in models])
    axes = np.linalg.svd(rows)[2]
    for mark, row in zip(plane.marks, rows, strict=True):
        seen = np.abs(axes[:2] @ row)
        assert (abs(mark.a), abs(mark.b)) == pytest.approx(tuple(seen), abs=1e-4)
    assert [mark.path for mark in plane.marks] == ["sgd"] * 4 + ["adam"] * 4
    assert plane.marks[6].name == "step 10 of adam"
    assert len({mark.name for mark in plane.marks}) == 8
    assert "null_1" not in plane.facts
    found = surface(models[3], data(), plane, "running", points=3)
    true = [naive_loss(model, *data()) for model in models]
    assert [m.true_loss for m in found.marks] == pytest.approx(true, rel=1e-4)


def test_a_long_path_has_real_losses_at_some_places() -> None:
    start, end = vector(made("plain", 0)), vector(made("plain", 1))
    bend = np.random.default_rng(0).normal(size=start.size)
    ways = np.linspace(0, 1, 60)
    snapshots = [{"w": start + t * (end - start) + t * t * bend} for t in ways]
    plane = path_plane(snapshots, range(60))
    assert len(plane.real) == 25
    assert {"step 0", "step 59"} <= plane.real.keys()


def test_weights_without_their_buffers_have_no_real_loss() -> None:
    models = [made("plain", seed) for seed in range(4)]
    bare = [
        {n: p.detach().numpy().copy() for n, p in m.named_parameters()} for m in models
    ]
    found = surface(models[-1], data(), path_plane(bare, range(4)), points=3)
    assert [mark.true_loss for mark in found.marks] == [None] * 4


def test_what_is_trained_on_does_not_change_the_plane() -> None:
    model, other = made("plain", 0), made("plain", 1)
    snapshots = [
        made("plain", 2),
        copy.deepcopy(other.state_dict()),
        model.state_dict(),
    ]
    plane = path_plane(snapshots, range(3))
    line = models_plane({"a": model.state_dict(), "b": other})
    before = copy.deepcopy((plane, line))
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.add_(1)
    for now, then in zip((plane, line), before, strict=True):
        for part in ("origin", "first", "second"):
            np.testing.assert_equal(getattr(now, part), getattr(then, part))
        np.testing.assert_equal(dict(now.real), dict(then.real))


def test_half_precision_becomes_single() -> None:
    model = made("plain", 0)
    half = [
        {n: t.bfloat16() for n, t in made("plain", seed).state_dict().items()}
        for seed in range(3)
    ]
    plane = path_plane(half, range(3))
    assert {array.dtype for array in plane.origin.values()} == {np.dtype("float32")}
    assert surface(model, data(), plane, points=3).plane == "path"


def test_twins_are_given_as_modules_or_as_saved() -> None:
    start, one, two = (made("plain", seed) for seed in range(3))
    arrays = common_plane(
        *(
            {n: p.detach().numpy() for n, p in start.named_parameters()},
            {
                arm: {n: p.detach().numpy() for n, p in m.named_parameters()}
                for arm, m in (("none", one), ("batch", two))
            },
        ),
        shared=[n for n, _ in start.named_parameters()],
    )
    for give in (saved, copy.deepcopy):
        ours = common_plane(give(start), {"none": give(one), "batch": give(two)})
        assert ours.marks == arrays.marks
        for part in ("origin", "first", "second"):
            np.testing.assert_equal(getattr(ours, part), getattr(arrays, part))


def test_a_plane_finds_the_model_within_its_wrappers() -> None:
    model, ends = made("plain", 0), [made("plain", 0), made("plain", 1)]
    bare = surface(model, data(), ends, points=5)
    for outer in (AveragedModel(model), nn.DataParallel(model), Around(model)):
        found = surface(outer.eval(), data(), ends, points=5)
        np.testing.assert_allclose(found.loss, bare.loss, rtol=1e-6)
        inner = surface(model, data(), [outer, ends[1]], points=5)
        np.testing.assert_allclose(inner.loss, bare.loss, rtol=1e-6)


def test_a_way_is_drawn_on_the_plane_of_two_parameters() -> None:
    models = [made("plain", seed) for seed in range(4)]
    end = models[-1]
    plane = named_plane(
        end, "0.weight[3,1]", "3.bias[2]", snapshots=models, steps=(0, 5, 7, 9)
    )
    found = surface(end, data(), plane, "running", points=3)
    for mark, model in zip(found.marks, models, strict=True):
        one = model[0].weight[3, 1].item() - end[0].weight[3, 1].item()
        two = model[3].bias[2].item() - end[3].bias[2].item()
        assert (mark.a, mark.b) == pytest.approx((one, two), abs=1e-6)
        apart = vector(model) - vector(end)
        rest = np.sqrt(max(apart @ apart - one**2 - two**2, 0))
        assert mark.off_plane == pytest.approx(rest, abs=1e-4)
        assert mark.true_loss == pytest.approx(naive_loss(model, *data()), rel=1e-4)
        assert plane.across[0] < mark.a < plane.across[1]
        assert plane.along[0] < mark.b < plane.along[1]
    values = found.facts["value_1"], found.facts["value_2"]
    assert values == pytest.approx((end[0].weight[3, 1].item(), end[3].bias[2].item()))


def test_a_complex_parameter_is_two_numbers() -> None:
    model = made("complex", 0)
    plane = named_plane(model, "spectrum[2,1].real", "spectrum[2,1].imag")
    one, two = plane.first["spectrum"], plane.second["spectrum"]
    assert (one[2, 1], two[2, 1]) == (1, 1j)
    assert np.abs(one).sum() == np.abs(two).sum() == 1
    number = model.spectrum[2, 1].item()
    assert plane.facts == pytest.approx(
        {"value_1": number.real, "value_2": number.imag}
    )
    with pytest.raises(BadSetting, match=r"is complex, .*'spectrum\[2,1\].imag'"):
        named_plane(model, "spectrum[2,1]", "last.bias[0]")


def live(model: nn.Module) -> list[Any]:
    return [model.state_dict()] * 3


def plain_state(seed: int) -> Any:
    return saved(made("plain", seed))


REFUSED: dict[str, tuple[Callable[[], Any], type[NormlabError], str]] = {
    "live states": (
        lambda: path_plane(live(made("plain", 0)), range(3)),
        BadData,
        "all snapshots are equal. A state_dict shares its memory",
    ),
    "falling steps": (
        lambda: path_plane([plain_state(i) for i in range(3)], (0, 5, 3)),
        BadData,
        "step 3 comes after step 5",
    ),
    "steps that rest": (
        lambda: path_plane([plain_state(i) for i in range(3)], (0, 5, 5)),
        BadData,
        "step 5 comes after step 5",
    ),
    "steps that are no numbers": (
        lambda: path_plane([plain_state(i) for i in range(3)], ("a", "b", "c")),
        BadData,
        "steps are whole numbers",
    ),
    "file names": (
        lambda: path_plane(["a.pt", "b.pt", "c.pt"], range(3)),
        BadData,
        "a.pt: there is no such file of weights",
    ),
    "lists of arrays": (
        lambda: path_plane([[np.ones(3)]] * 3, range(3)),
        BadData,
        "step 0: a list is no network",
    ),
    "one network": (
        lambda: path_plane(plain_state(0), range(3)),
        BadData,
        "a Tensor is no list of snapshots",
    ),
    "an optimizer's state": (
        lambda: path_plane(
            [torch.optim.SGD(made("plain", 0).parameters()).state_dict()] * 3, range(3)
        ),
        BadData,
        "holds a dict at 'state' where weights were expected",
    ),
    "a path without steps": (
        lambda: path_plane({"sgd": live(made("plain", 0))}, {"adam": range(3)}),
        BadData,
        "no steps for 'sgd'",
    ),
    "another network on the path": (
        lambda: path_plane(
            [plain_state(0), plain_state(1), saved(made("tied", 0))], range(3)
        ),
        BadData,
        "step 0 has other names or shapes than step 2",
    ),
    "another model": (
        lambda: surface(made("plain", 0), data(), (plain_state(0), made("tied", 0))),
        BadData,
        "B: has 'into.weight', the model has not",
    ),
    "the same network twice": (
        lambda: models_plane([plain_state(0), plain_state(0)]),
        BadData,
        "A and B have the same weights",
    ),
    "three on one line": (
        lambda: models_plane([{"w": t * np.ones(3)} for t in (0, 1, 2)]),
        BadData,
        "A, B, C lie on one line",
    ),
    "four networks": (
        lambda: surface(made("plain", 0), data(), [plain_state(i) for i in range(4)]),
        BadData,
        "4 networks are given. Two make a line",
    ),
    "no networks": (
        lambda: surface(made("plain", 0), data(), (1, made("plain", 1), 2)),
        BadSetting,
        r"plane=\(1, a Sequential, 2\) is unknown",
    ),
    "an unnamed network": (
        lambda: surface(made("plain", 0), data(), made("plain", 1)),
        BadSetting,
        "plane=a Sequential is unknown",
    ),
    "no values": (
        lambda: models_plane([nn.Linear(2, 2, device="meta"), nn.Linear(2, 2)]),
        BadData,
        "'weight' has no values yet",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_spans_no_plane_is_refused_in_one_line(case: str) -> None:
    call, kind, text = REFUSED[case]
    with pytest.raises(kind, match=text) as refused:
        call()
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 300


def of(first: Any, second: Any, **more: Any) -> Plane:
    return Plane(kind="mine", first=first, second=second, **more)


ONE, TWO = {"0.bias": np.ones(8, np.float32)}, {"3.bias": np.ones(3, np.float32)}
DEGENERATE = {
    "nothing moves": (of({}, TWO), "first direction moves nothing"),
    "zeros": (of({"0.bias": np.zeros(8)}, TWO), "first direction moves nothing"),
    "no second": (of(ONE, {}), r"second direction moves nothing.*along=\(0, 0\)"),
    "parallel": (of(ONE, {"0.bias": 0.3 * ONE["0.bias"]}), "are parallel"),
    "not finite": (of(ONE, {"3.bias": np.full(3, np.nan)}), "not finite"),
    "no width": (of(ONE, TWO, across=(0, 0)), r"across=\(0, 0\) does not go"),
    "backwards": (of(ONE, TWO, along=(1, -1)), r"along=\(1, -1\) does not go"),
    "endless": (of(ONE, TWO, across=(0, np.inf)), r"across=\(0, inf\) does not go"),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_a_plane_that_is_none_is_refused(case: str) -> None:
    plane, text = DEGENERATE[case]
    with pytest.raises(BadSetting, match=text):
        surface(made("plain", 0), data(), plane, points=3)


@pytest.mark.parametrize("second", [{}, TWO])
def test_a_plane_without_a_width_is_a_line(second: Any) -> None:
    model = made("plain", 0)
    found = surface(model, data(), of(ONE, second, along=(0, 0)), "running", points=5)
    assert found.loss.shape == (1, 5)
    for a, loss in zip(found.a, found.loss[0], strict=True):
        moved = copy.deepcopy(model)
        moved[0].bias.data += a
        assert loss == pytest.approx(naive_loss(moved, *data()), rel=1e-5)


def test_a_buffer_is_no_direction() -> None:
    plane = of({"1.running_mean": np.ones(8)}, TWO)
    with pytest.raises(
        BadModel, match=r"moves '1\.running_mean', a buffer of the model"
    ):
        surface(made("plain", 0), data(), plane, points=3)
