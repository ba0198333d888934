"""What is found out about a network, its loss and its data before they are measured."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset

from normlab.base.streams import seeded
from normlab.errors import BadData, BadModel, BadSetting
from normlab.landscape.monitor import Monitor
from normlab.landscape.planes.plane import Plane
from normlab.landscape.surface import surface
from normlab.norms.recognize import is_norm_module
from tests.landscape.networks import (
    Attributes,
    Largest,
    Own,
    bound,
    held_by_function,
    merged,
    mlp,
)
from tests.landscape.test_matrix import everything

X, Y = torch.randn(128, 6), torch.arange(128) % 3


def measured(model: nn.Module, data: Any = (X, Y), **settings: Any) -> Any:
    return surface(model, data, **{"points": 3, "exact": True, **settings})


def corner(found: Any, model: nn.Module) -> nn.Module:
    """The network at the first point of a surface, in float64."""
    moved = copy.deepcopy(model).double()
    with torch.no_grad():
        for name, parameter in moved.named_parameters():
            for step, along in zip(
                (found.a[0], found.b[0]), found.directions, strict=True
            ):
                parameter += step * torch.from_numpy(along[name].copy()).double()
    return moved


# a copy that goes on using the original


def with_global() -> nn.Module:
    class Elsewhere(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp(nn.BatchNorm1d)

        def forward(self, x: Tensor) -> Tensor:
            return found[0].net(x)

    found = [Elsewhere()]
    return found[0]


def shared_by_deepcopy() -> nn.Module:
    class Same(nn.Sequential):
        def __deepcopy__(self, memo: object) -> Same:
            return self

    return Same(mlp(nn.BatchNorm1d))


DEPENDENT = {
    "bound": lambda: bound(mlp(nn.BatchNorm1d)),
    "a function": held_by_function,
    "a global": with_global,
    "its own copy": shared_by_deepcopy,
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_an_interruption_leaves_a_borrowed_model_as_it_was(name: str) -> None:
    model = DEPENDENT[name]()
    before, calls = list(everything(model)), []

    def stop(*_: object) -> None:
        calls.append(1)
        if len(calls) > 20:
            raise KeyboardInterrupt

    last = list(model.modules())[-1]
    handle = last.register_forward_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        measured(model)
    handle.remove()
    assert list(everything(model)) == before


@pytest.mark.parametrize("name", DEPENDENT)
def test_a_borrowed_model_moves_and_is_itself_between_points(name: str) -> None:
    model = DEPENDENT[name]()
    before, same = list(everything(model))[:-2], []
    watch = Monitor(
        progress=lambda _: same.append(list(everything(model))[:-2] == before)
    )
    found = measured(model, watch=watch, threads=2)
    assert np.ptp(found.loss) > 0.01
    assert same and all(same)


def test_what_a_loss_changes_outside_is_put_back_and_changes_nothing() -> None:
    judge = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    generator, net = torch.Generator().manual_seed(3), mlp()

    def perceptual(out: Tensor, y: Tensor) -> Tensor:
        noise = torch.randn(out.shape, generator=generator)
        return (judge(out + noise) - judge(y)).square().mean()

    before, state = list(everything(judge)), generator.get_state()
    data = X, X[:, :3]
    one, two = (measured(net, data, loss=perceptual, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one.loss, two.loss)
    assert list(everything(judge)) == before
    assert torch.equal(generator.get_state(), state)


@pytest.mark.parametrize("in_place", [True, False])
def test_what_a_network_remembers_depends_on_no_point_before(in_place: bool) -> None:
    net = Largest(in_place=in_place)
    one, two = (measured(net, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one.loss, two.loss)
    assert one.evaluation == "batch(64)"


def test_noise_is_the_same_for_every_number_of_threads() -> None:
    class Noisy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return functional.dropout(x, 0.5)

    net = nn.Sequential(nn.Linear(6, 8), Noisy(), nn.Linear(8, 3))
    found = [measured(net, threads=n).loss for n in (1, 2, 2)]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_automatic_precision_holds_in_every_thread() -> None:
    net = mlp(nn.BatchNorm1d)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        one, two = (measured(net, threads=n).loss for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, measured(net).loss)


# objectives and losses


def residual(net: nn.Module, t: Tensor) -> Tensor:
    """Of v' + v = 0 with v(0) = 1; asks for a derivative."""
    t = t.requires_grad_()
    v = net(t)
    slope = torch.autograd.grad(v.sum(), t, create_graph=True)[0]
    return (slope + v).square().mean() + (net(0 * t[:1]) - 1).square().mean()


@pytest.mark.parametrize("threads", [1, 2])
def test_an_objective_is_given_the_moved_model_and_may_differentiate(threads) -> None:
    net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    t, before = torch.linspace(0, 2, 64)[:, None], list(everything(net))
    found = measured(net, t, objective=residual, threads=threads)
    expected = residual(corner(found, net), t.double()).item()
    assert found.loss[0, 0] == pytest.approx(expected, rel=1e-5)
    assert (found.examples, found.unit) == (64, "")
    assert list(everything(net)) == before


def test_an_objective_may_read_parameters_and_take_whole_batches() -> None:
    class Output:
        def __init__(self, loss: Tensor) -> None:
            self.loss = loss

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp()

        def forward(self, *, x: Tensor, labels: Tensor) -> Output:
            return Output(functional.cross_entropy(self.net(x), labels))

    def decayed(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return model(**batch).loss + 0.05 * sum(
            p.square().sum() for p in model.parameters()
        )

    net = Model()
    found = measured(net, {"x": X, "labels": Y}, objective=decayed)
    expected = decayed(corner(found, net), {"x": X.double(), "labels": Y})
    assert found.loss[0, 0] == pytest.approx(expected.item(), rel=1e-5)

    class Examples(Dataset):
        def __len__(self) -> int:
            return 128

        def __getitem__(self, i: int) -> dict[str, Any]:
            return {"x": X[i], "labels": int(Y[i])}

    again = measured(net, Examples(), objective=decayed)
    np.testing.assert_allclose(again.loss, found.loss, rtol=1e-6)


def test_an_objective_of_a_closure_moves_the_model_that_it_reads() -> None:
    net = mlp()
    free, bound_ = (
        measured(net, objective=objective)
        for objective in (
            lambda model, batch: functional.cross_entropy(model(batch[0]), batch[1]),
            lambda _, batch: functional.cross_entropy(net(batch[0]), batch[1]),
        )
    )
    np.testing.assert_allclose(free.loss, bound_.loss, rtol=1e-6)


NET = mlp(nn.BatchNorm1d)
BAD_LOSSES: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "reads parameters": (
        {"loss": lambda o, y: functional.cross_entropy(o, y) + NET[0].weight.sum()},
        BadSetting,
        "reads the model.*objective=f",
    ),
    "calls the model": (
        {"loss": lambda o, y: functional.cross_entropy(NET(X), Y)},
        BadSetting,
        "reads the model.*objective=f",
    ),
    "asks for a gradient": (
        {"loss": lambda o, y: torch.autograd.grad(o.sum(), o)[0].mean()},
        BadModel,
        "none are kept while outputs are measured. Pass objective=f",
    ),
    "is a sum": (
        {"loss": lambda o, y: functional.cross_entropy(o, y, reduction="sum")},
        BadSetting,
        "it is a sum. Pass the mean",
    ),
    "is a sum of an objective": (
        {"objective": lambda m, b: m(b[0]).square().sum()},
        BadSetting,
        "it is a sum. Pass the mean",
    ),
    "fails later": (
        {"loss": lambda o, y: functional.nll_loss(o, y + 3 * (y * 0 + len(y) > 16))},
        BadModel,
        "took a few examples but fails on others.*out of bounds. Try",
    ),
    "both": (
        {"loss": functional.cross_entropy, "objective": lambda m, b: 0},
        BadSetting,
        "loss and objective are both given",
    ),
    "no function": ({"loss": 3}, BadSetting, "loss=3 cannot be called"),
}


@pytest.mark.parametrize("name", BAD_LOSSES)
def test_a_loss_that_is_none_of_the_model_is_refused(name: str) -> None:
    settings, kind, text = BAD_LOSSES[name]
    before = list(everything(NET))
    with pytest.raises(kind, match=text):
        measured(NET, **settings)
    assert list(everything(NET)) == before


# the fast way


@pytest.mark.parametrize("statistics", ["full", "batch"])
@pytest.mark.parametrize(
    "loss",
    [
        lambda o, y: (o.argmax(1) != y).double().mean(),
        lambda o, y: functional.cross_entropy(o, y).clamp(max=0.7),
        lambda o, y: o.mean() * torch.nan,
    ],
)
def test_a_coarse_loss_hides_no_wrong_outputs(statistics: str, loss: Callable) -> None:
    for seed in range(3):
        with seeded(seed, "weights"):
            net = merged()
        found = measured(net, loss=loss, statistics=statistics, seed=seed)
        hidden = measured(
            nn.Sequential(net, nn.Identity()),
            loss=loss,
            statistics=statistics,
            seed=seed,
            plane=_renamed(found),
        )
        np.testing.assert_array_equal(found.loss, hidden.loss)
        if statistics == "full":
            expected = loss(corner(found, net).train()(X.double()), Y).item()
            assert found.loss[0, 0] == pytest.approx(expected, abs=0.01, nan_ok=True)


def _renamed(found: Any) -> Any:
    first, second = (
        {f"0.{name}": array for name, array in one.items()} for one in found.directions
    )
    return Plane(kind="random", first=first, second=second)


# norms


@pytest.mark.parametrize("statistics", ["batch", "full", "recalibrated", "running"])
def test_a_norm_by_hand_is_measured_as_torch_s_or_refused(statistics: str) -> None:
    torchs, own, other = nn.BatchNorm1d(8), Own(8), Attributes(8)
    with torch.no_grad():
        for norm in (own, other):
            norm.gain.fill_(1)
            norm.shift.fill_(0)
    first, last = nn.Linear(6, 8), nn.Linear(8, 3)
    losses = []
    for norm in (torchs, own):
        found = measured(nn.Sequential(first, norm, last), statistics=statistics)
        losses.append(found.loss)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    net = nn.Sequential(first, other, last)
    if statistics == "running":
        assert measured(net, statistics=statistics).evaluation == "running"
    else:
        with pytest.raises(BadModel, match="Attributes takes statistics of the batch"):
            measured(net, statistics=statistics)


def test_the_label_says_what_was_done() -> None:
    def label(model: nn.Module, statistics: str, loss: Any = None) -> str:
        return measured(model, statistics=statistics, loss=loss).evaluation

    centred = nn.Sequential(mlp(), Centred())
    frozen = nn.Sequential(mlp(nn.BatchNorm1d), nn.BatchNorm1d(3))
    frozen[1].eval()
    assert label(mlp(), "batch") == label(mlp(), "running") == "no batch"
    assert label(centred, "running") == "batch(64)"
    assert label(frozen, "batch") == "batch(64) (1 of 3 norms frozen)"
    assert label(frozen, "full") == "full (1 of 3 norms frozen)"
    frozen[0].eval().requires_grad_(requires_grad=False)
    frozen[0][0].requires_grad_(requires_grad=True)
    assert label(frozen, "batch") == "running (all norms frozen)"
    assert label(frozen.eval(), "batch") == "batch(64) (2 of 3 norms frozen)"


class Centred(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


def test_without_batches_nothing_is_dropped_nor_too_little() -> None:
    net = mlp()
    for count in (5, 100):
        found = measured(net, (X[:count], Y[:count]))
        trained = functional.cross_entropy(net(X[:count]), Y[:count]).item()
        assert found.examples == count
        assert found.loss[1, 1] == pytest.approx(trained, rel=1e-6)


def test_freezing_survives_eval_mode() -> None:
    net = mlp(nn.BatchNorm1d)
    net(3 * X)
    for place in (1, 4):
        net[place].eval().requires_grad_(requires_grad=False)
    training, evaluating = measured(net), measured(net.eval())
    np.testing.assert_array_equal(training.loss, evaluating.loss)
    assert evaluating.evaluation == "running (all norms frozen)"


def test_norms_are_known_by_what_they_are() -> None:
    class LayerNorm2d(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.ones(1, 4, 1, 1))

    class NormedLinear(nn.Linear):
        pass

    norms = [nn.BatchNorm2d(3), nn.RMSNorm(3), Own(3), LayerNorm2d()]
    others = [nn.Linear(1, 4), NormedLinear(3, 4), nn.Conv2d(3, 3, 1), mlp()]
    assert all(map(is_norm_module, norms))
    assert not any(map(is_norm_module, others))


# sizes


def test_never_more_examples_at_a_time_than_a_batch_where_outputs_are_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("normlab.landscape.intake.sample._MAX_VALUES", 4_000)
    seen: list[int] = []

    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 2)

        def forward(self, x: Tensor) -> Tensor:
            seen.append(len(x))
            return self.layer(x).repeat(1, 600)

    data = X[:16], Y[:16]
    for statistics in ("running", "recalibrated"):
        measured(
            Wide(),
            data,
            batch_size=4,
            statistics=statistics,
            loss=lambda o, _: o.mean(),
        )
    assert max(seen) == 4


def test_a_network_for_all_examples_only_is_measured_on_all() -> None:
    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 3)
            self.register_buffer("edges", torch.softmax(torch.randn(128, 128), 1))

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(self.edges @ x)

    net = Graph()
    found = measured(net, statistics="full")
    expected = functional.cross_entropy(net(X), Y).item()  # in the order of the data
    assert found.loss[1, 1] == pytest.approx(expected, rel=1e-6)
    with pytest.raises(BadSetting, match="all 128 examples at a time or none"):
        measured(net)


def test_half_precision_is_not_rounded_to_a_few_losses() -> None:
    found = measured(mlp().bfloat16(), points=9, reach=0.2)
    assert len(np.unique(found.loss)) == 81


# data


class Listed(Dataset):
    def __init__(self, example: Callable[[int], Any]) -> None:
        self.example = example

    def __len__(self) -> int:
        return 70

    def __getitem__(self, i: int) -> Any:
        return self.example(i)


class Table:
    def __len__(self) -> int:
        return 128

    def to_numpy(self) -> np.ndarray:
        return X.numpy()


PLAIN = mlp()
BAD_DATA: dict[str, tuple[Any, str]] = {
    "real numbers": ((X, X[:, :1]), "not shares of the classes.*mse_loss"),
    "numbers for each class": ((X, X[:, :3]), "not shares of the classes"),
    "a label too many": ((X, Y + (torch.arange(128) == 98)), "go from 0 to 3, but the"),
    "a column of labels": ((X, Y[:, None]), r"for example y\[:, 0\]"),
    "text": ((X, ["a"] * 128), "text in it.*np.unique"),
    "a table": ((Table(), Y), "to_numpy"),
    "a loader": (DataLoader(TensorDataset(X, Y)), "Pass loader.dataset"),
    "a dict": ({"x": X, "labels": Y}, "no pair of inputs and targets.*objective=f"),
    "dicts": (Listed(lambda i: {"x": X[i]}), "is a dict, not a pair.*objective=f"),
    "threes": (Listed(lambda i: (X[i], X[i], Y[i])), "tuple of 3, not a pair"),
    "lengths": (Listed(lambda i: (X[i, : 1 + i % 2], 0)), "different shapes"),
    "objects": (Listed(lambda i: (object(), 0)), "a object is no tensor"),
    "a broken one": (
        Listed(lambda i: (X[i // (i - 3)], 0)),
        "example 3 of Listed cannot be",
    ),
    "inner rows": (((X, X[:3]), Y), "its tensors have 3, 128 rows"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_data_that_is_no_examples_is_refused_with_a_remedy(name: str) -> None:
    data, text = BAD_DATA[name]
    with pytest.raises(BadData, match=text):
        measured(PLAIN, data)


def test_shares_of_the_classes_are_targets() -> None:
    shares = torch.softmax(torch.randn(128, 3), 1).double()
    found = measured(PLAIN, (X, shares))
    expected = functional.cross_entropy(PLAIN(X).double(), shares).item()
    assert found.loss[1, 1] == pytest.approx(expected, rel=1e-6)


def test_outputs_that_are_no_tensor_name_the_loss_to_pass() -> None:
    class Output:
        pass

    class Model(nn.Linear):
        def forward(self, _: Tensor) -> Any:
            return Output()

    with pytest.raises(BadModel, match=r"returns a Output.*out\.logits.*objective=f"):
        measured(Model(6, 3))


@pytest.mark.parametrize("kind", [np.uint16, np.int32, ">f4"])
def test_arrays_of_any_layout_are_taken(kind: Any) -> None:
    x = (X * 10).abs().round()
    odd = np.asarray(x.numpy()[:, ::-1], dtype=kind)[:, ::-1]
    odd.flags.writeable = False
    net = nn.Sequential(Floats(), mlp())
    np.testing.assert_allclose(
        measured(net, (odd, Y)).loss, measured(net, (x, Y)).loss, rtol=1e-6
    )


class Floats(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.float()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("reach", value) for value in ((-1, 1), "1", None, float("nan"), True)),
        *(("threads", value) for value in (-1, 0, "2", 1.5)),
        *(("seed", value) for value in (None, 1.5, "a")),
        *(("batch_size", value) for value in ("3", None)),
        ("watch", print),
        ("plane", Y),
    ],
)
def test_a_setting_of_no_kind_is_one_line(name: str, value: Any) -> None:
    with pytest.raises(BadSetting, match=f"^{name}[=:]") as found:
        measured(PLAIN, **{name: value})
    assert len(str(found.value)) < 160


def scripted() -> nn.Module:
    with pytest.warns(DeprecationWarning, match="deprecated"):
        return torch.jit.trace(mlp().eval(), X)


def made_in_inference_mode() -> nn.Module:
    with torch.inference_mode():
        return mlp()


UNMOVABLE = {
    "scripted or traced": scripted,
    "inference_mode": made_in_inference_mode,
    "meta device": lambda: nn.Linear(6, 3, device="meta"),
    "no shape yet": lambda: nn.Sequential(nn.LazyLinear(3)),
}


@pytest.mark.parametrize("text", UNMOVABLE)
def test_parameters_that_cannot_be_moved_are_one_line(text: str) -> None:
    with pytest.raises(BadModel, match=text):
        measured(UNMOVABLE[text]())


def test_one_example_has_no_statistics() -> None:
    with pytest.raises(BadSetting, match="examples=1: a norm of Sequential"):
        measured(NET, (X[:1], Y[:1]), statistics="full")
