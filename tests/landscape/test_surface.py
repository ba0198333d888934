"""The library call: what it returns, what it refuses, and that it only looks."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import TensorDataset

from normlab.base.streams import seeded, stream
from normlab.data.dataset import Dataset, Part
from normlab.errors import BadData, BadModel, BadSetting
from normlab.landscape.cells import Cells
from normlab.landscape.monitor import Monitor, SurfaceProgress
from normlab.landscape.planes.plane import Plane
from normlab.landscape.surface import surface


def small() -> nn.Module:
    with seeded(1, "init"):
        return nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)
        )


def data(examples: int = 130) -> tuple[Tensor, Tensor]:
    g = stream(2, "data")
    x = torch.randn(examples, 6, generator=g)
    return x, torch.randint(0, 3, (examples,), generator=g)


def state(model: nn.Module) -> Iterator[object]:
    """Everything a user could notice."""
    for module in model.modules():
        yield module, module.training, dict(module.__dict__["_forward_hooks"])
    for tensor in (*model.parameters(), *model.buffers()):
        yield id(tensor), tensor.data_ptr(), tensor.detach().numpy().tobytes()
        yield tensor.requires_grad, tensor._version
        yield None if tensor.grad is None else tensor.grad.numpy().tobytes()
    yield torch.get_rng_state().numpy().tobytes()
    yield repr(np.random.get_state())  # noqa: NPY002
    yield random.getstate()
    yield torch.get_num_threads(), torch.is_grad_enabled()


@pytest.mark.parametrize("statistics", ["batch", "full", "recalibrated", "running"])
@pytest.mark.parametrize("traceable", [True, False])
def test_the_model_is_left_as_it_was(statistics, traceable: bool) -> None:
    model = small()
    x, y = data()
    functional.cross_entropy(model(x), y).backward()
    model[0].weight.requires_grad_(requires_grad=False)
    model[1].eval()
    seen = []
    if not traceable:
        model[3].register_forward_hook(lambda *_: seen.append(1))
    before = list(state(model))
    surface(model, (x, y), statistics=statistics, points=3, threads=2)
    assert list(state(model)) == before


class Drawing(nn.Module):
    """Draws at every call, in whatever mode it is."""

    def forward(self, x: Tensor) -> Tensor:
        np.random.random()  # noqa: NPY002
        return functional.dropout(x, 0.5) + random.random()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_that_draws_moves_no_generator(threads: int) -> None:
    model = nn.Sequential(small(), Drawing()).eval()
    before = list(state(model))
    surface(model, data(), points=3, threads=threads)
    assert list(state(model)) == before


class Augmented(TensorDataset):
    """Draws noise whenever an example is read."""

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        x, y = super().__getitem__(index)
        return x + torch.rand(()) + random.random(), y


def test_a_dataset_that_draws_moves_no_generator_and_gives_the_same_again() -> None:
    model, augmented = small().eval(), Augmented(*data())
    before = list(state(model))
    one, two = (surface(model, augmented, points=3) for _ in range(2))
    assert list(state(model)) == before
    np.testing.assert_array_equal(one.loss, two.loss)


def test_under_inference_mode_it_is_as_without() -> None:
    model, pair = small(), data()
    with torch.inference_mode():
        found = surface(model, pair, points=3)
    np.testing.assert_array_equal(found.loss, surface(model, pair, points=3).loss)


@pytest.mark.parametrize("statistics", ["batch", "recalibrated"])
def test_a_batch_of_one_is_refused_where_a_norm_needs_two(statistics) -> None:
    with pytest.raises(BadSetting, match="batch_size=1: a norm of Sequential"):
        surface(small(), data(), statistics=statistics, batch_size=1, points=3)
    surface(small(), data(), statistics="running", batch_size=1, points=3)


def test_a_torch_dataset_is_as_good_as_its_tensors() -> None:
    model, pair = small().eval(), data()
    one = surface(model, TensorDataset(*pair), points=3)
    two = surface(model, pair, points=3)
    np.testing.assert_array_equal(one.loss, two.loss)


@pytest.mark.parametrize("statistics", ["full", "running"])
def test_what_cuts_no_batches_takes_few_examples(statistics) -> None:
    found = surface(small(), data(20), "random", statistics, points=3, exact=True)
    assert (found.examples, bool(found.computed.all())) == (20, True)


def test_an_odd_grid_holds_the_trained_loss_at_its_centre() -> None:
    model, (x, y) = small().eval(), data()
    found = surface(model, (x, y), statistics="running", points=7)
    trained = functional.cross_entropy(model(x), y).item()
    assert found.a[3] == found.b[3] == 0
    assert found.loss[3, 3] == pytest.approx(trained, rel=1e-6)


def test_the_minimum_of_a_quadratic_is_found_where_it_is() -> None:
    model = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(model.weight)
    # mean (w - (1, -2))^2 over two unit inputs: contours are circles
    x, y = torch.eye(2), torch.tensor([[1.0], [-2.0]])
    found = surface(
        model,
        (x, y),
        plane=("weight[0,0]", "weight[0,1]"),
        statistics="full",
        batch_size=1,
        points=49,
        reach=3.0,
        loss=functional.mse_loss,
    )
    row, column = np.unravel_index(found.loss.argmin(), found.loss.shape)
    assert (found.a[column], found.b[row]) == pytest.approx((1.0, -2.0))
    a, b = np.meshgrid(found.a, found.b)
    assert found.loss == pytest.approx(((a - 1) ** 2 + (b + 2) ** 2) / 2, abs=1e-5)
    assert found.computed.sum() < 300


def test_the_result_holds_what_was_asked() -> None:
    found = surface(small(), data(), points=9, reach=0.5, batch_size=40)
    assert (found.a[0], found.a[-1], found.loss.shape) == (-0.5, 0.5, (9, 9))
    assert (found.evaluation, found.examples, found.plane) == (
        "batch(40)",
        120,
        "random",
    )
    assert set(found.directions[0]) == {"0.weight", "0.bias", "1.weight"} | {
        "1.bias",
        "3.weight",
        "3.bias",
    }


def test_a_norm_frozen_on_purpose_keeps_its_stored_averages() -> None:
    model, pair = small().train(), data()
    with torch.no_grad():
        model(pair[0] * 3 + 1)
    model[1].eval()
    frozen = surface(model, pair, statistics="full", points=3, exact=True)
    stored = surface(model.eval(), pair, statistics="running", points=3, exact=True)
    full = surface(model, pair, statistics="full", points=3, exact=True)
    assert np.array_equal(frozen.loss, stored.loss)
    assert not np.allclose(frozen.loss, full.loss, rtol=0.01)


def test_each_seed_draws_its_own_directions_zero_too() -> None:
    zero, again, one = (
        surface(small(), data(), points=3, seed=seed) for seed in (0, 0, 1)
    )
    assert np.array_equal(zero.loss, again.loss)
    assert not np.array_equal(
        zero.directions[0]["0.weight"], one.directions[0]["0.weight"]
    )


def test_a_dataset_gives_its_training_part() -> None:
    x, y = data()
    part = Part(images=x.numpy(), labels=y.numpy())
    whole = Dataset(
        name="made up",
        train=part,
        test=part,
        validation=None,
        classes=("a", "b", "c"),
        mean=(0.0,),
        std=(1.0,),
    )
    from_set, from_pair = (
        surface(small(), source, points=3) for source in (whole, (x, y))
    )
    assert np.allclose(from_set.loss, from_pair.loss, rtol=1e-6)


def test_cells_already_known_are_not_computed_again() -> None:
    told: list[tuple[int, int, float]] = []
    progress: list[SurfaceProgress] = []

    def keep(rows, columns, losses) -> None:
        told.extend(zip(rows.tolist(), columns.tolist(), losses, strict=True))

    watch = Monitor(cells=keep, progress=progress.append)
    first = surface(small(), data(), points=9, exact=True, watch=watch)
    assert len(told) == 81 and progress[-1].seconds_left == 0
    known = Cells.empty(9, 9)
    for row, column, loss in told[:50]:
        known.loss[row, column], known.computed[row, column] = loss, True
    told.clear()
    watch = Monitor(known=known, cells=keep)
    second = surface(small(), data(), points=9, exact=True, watch=watch)
    assert len(told) == 31
    assert np.array_equal(first.loss, second.loss)


def test_known_cells_of_another_size_are_refused() -> None:
    with pytest.raises(BadSetting, match=r"known cells have the shape \(5, 5\)"):
        surface(small(), data(), points=9, watch=Monitor(known=Cells.empty(5, 5)))


def test_overflow_leaves_holes_and_finite_neighbours() -> None:
    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([[1.0, 1.0]]))

        def forward(self, x: Tensor) -> Tensor:
            return x @ (self.weight * (self.weight.sum() - 1).sqrt()).T

    x = torch.tensor([[1.0, 2.0], [2.0, 1.0]])
    found = surface(
        Root(),
        (x, torch.ones(2, 1)),
        plane=("weight[0,0]", "weight[0,1]"),
        statistics="full",
        batch_size=1,
        points=25,
        loss=functional.mse_loss,
    )
    a, b = np.meshgrid(found.a, found.b)
    holes = 1 + a + b < -1e-6
    assert np.isnan(found.loss[holes]).all()
    assert np.isfinite(found.loss[1 + a + b > 1e-6]).all()
    beside = np.zeros_like(holes)
    for shift in (-1, 1):
        for axis in (0, 1):
            beside |= np.roll(holes, shift, axis)
    inner = np.zeros_like(holes)
    inner[1:-1, 1:-1] = True
    assert found.computed[beside & inner].all()


BAD_SETTINGS = {
    "points": (4, r"points=4 is even.*Use 5\."),
    "reach": (0.0, r"reach=0.0 is not a positive number\. Use 1\.0\."),
    "statistics": ("train", r"statistics='train' is unknown\. Use batch, full"),
    "batch_size": (500, r"batch_size=500 but the data has 130 examples"),
    "examples": (500, r"examples=500 but the data has 130 examples"),
    "plane": ("path", r"plane='path' is unknown\. Use 'random', a pair.*path_plane"),
}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_a_setting_without_sense_is_refused_with_a_remedy(name: str) -> None:
    value, text = BAD_SETTINGS[name]
    with pytest.raises(BadSetting, match=text):
        surface(small(), data(), **{name: value})


@pytest.mark.parametrize(
    ("points", "text"),
    [(1, r"points=1 makes no surface"), (7.5, r"points=7\.5 is not a whole number")],
)
def test_too_few_or_broken_points_are_refused(points, text: str) -> None:
    with pytest.raises(BadSetting, match=text):
        surface(small(), data(), points=points)


@pytest.mark.parametrize("size", [0, True, 2.5])
def test_a_batch_size_that_is_none_is_refused(size) -> None:
    with pytest.raises(BadSetting, match="is not a whole number of at least 1"):
        surface(small(), data(), batch_size=size)


BAD_DATA = {
    "lengths": ((torch.zeros(5, 6), torch.zeros(4).long()), "5 inputs for 4 targets"),
    "empty": ((torch.zeros(0, 6), torch.zeros(0).long()), "no examples in it"),
    "no pair": (torch.zeros(5, 6), "a pair of tensors or a normlab Dataset"),
    "not finite": (
        (torch.full((70, 6), torch.inf), torch.zeros(70).long()),
        "inputs hold values that are not finite",
    ),
    "real targets": ((torch.zeros(70, 6), torch.zeros(70)), "Pass loss="),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_data_that_does_not_fit_is_refused(name: str) -> None:
    pair, text = BAD_DATA[name]
    with pytest.raises(BadData, match=text):
        surface(small(), pair, points=3)


def test_a_model_that_does_not_take_the_data_is_named() -> None:
    pair = torch.zeros(70, 5), torch.zeros(70).long()
    with pytest.raises(BadModel, match=r"does not take the data, inputs \(2, 5\)"):
        surface(small(), pair, points=3)


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(BadModel, match="function is no torch module"):
        surface(small, data())  # pyright: ignore[reportArgumentType]


def test_a_model_without_weights_has_no_random_plane() -> None:
    with pytest.raises(BadModel, match="has no weights to move"):
        surface(nn.Flatten(), data())


def test_a_model_that_changes_its_inputs_is_refused() -> None:
    class Careless(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            x += 1
            return self.layer(x)

    with pytest.raises(BadModel, match="Careless changes its inputs in place"):
        surface(Careless(), data(), points=3)


def test_what_cannot_be_copied_is_named() -> None:
    class Locked(nn.Linear):
        def __deepcopy__(self, memo: object) -> None:
            raise TypeError("holds a lock")

    with pytest.raises(BadModel, match=r"Locked cannot be copied \(TypeError: holds"):
        surface(Locked(6, 3), data(), points=3)


def test_running_needs_running_averages() -> None:
    model = nn.Sequential(nn.Linear(6, 3), nn.BatchNorm1d(3, track_running_stats=False))
    with pytest.raises(BadModel, match=r"'1' stores no running averages\. Use 'batch'"):
        surface(model, data(), statistics="running", points=3)


def test_an_instance_norm_is_not_re_estimated() -> None:
    model = nn.Sequential(
        nn.Unflatten(1, (2, 3)),
        nn.InstanceNorm1d(2, track_running_stats=True),
        nn.Flatten(),
        nn.Linear(6, 3),
    )
    with pytest.raises(BadModel, match=r"cannot re-estimate '1' \(InstanceNorm1d\)"):
        surface(model, data(), statistics="recalibrated", points=3)
    assert surface(model, data(), points=3).computed.all()


def test_a_plane_of_another_model_is_refused() -> None:
    plane = Plane(kind="random", first={"fc.weight": np.ones((2, 2))}, second={})
    with pytest.raises(BadModel, match=r"moves 'fc\.weight' of shape \(2, 2\)"):
        surface(small(), data(), plane=plane, points=3)
