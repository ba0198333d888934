"""Values against a naive evaluation in float64, point by point."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from normlab.base.streams import seeded, stream
from normlab.landscape.evaluate.cross_entropy import CrossEntropy, cross_entropy
from normlab.landscape.evaluate.direct import DirectEvaluator
from normlab.landscape.evaluate.engine import Engine
from normlab.landscape.evaluate.fused import FusedEvaluator
from normlab.landscape.intake.data import source_of
from normlab.landscape.intake.sample import take_sample
from normlab.landscape.planes.random import random_plane
from normlab.landscape.surface import surface

BATCH = 32


def mlp(norm: Callable[[int], nn.Module]) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(12, 24),
        norm(24),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(24, 16, bias=False),
        norm(16),
        nn.ReLU(),
        nn.Linear(16, 4),
    )


class Conv(nn.Module):
    def __init__(self, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 2)
        self.norm = norm(4)
        self.head = nn.Linear(4 * 6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.norm(self.conv(x))).flatten(1))


class Residual(nn.Module):
    """The first layer's output is read twice, once behind a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(12, 16)
        self.norm = nn.BatchNorm1d(16)
        self.second = nn.Linear(16, 16)
        self.last = nn.BatchNorm1d(16, affine=False)
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x.view(x.shape[0], -1))
        z = torch.relu(self.last(self.second(torch.relu(self.norm(h)))))
        return self.head(z + h)


class Twice(nn.Module):
    """One layer, and one norm, that everything passes twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(12, 12), nn.BatchNorm1d(12)
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for _ in range(2):
            x = torch.relu(self.norm(self.layer(x)))
        return self.head(x)


class Tied(nn.Module):
    """The first layer's weight serves again, transposed, in another one."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(12, 12), nn.Linear(12, 12)
        self.second.weight = self.first.weight
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x.flatten(1)))
        return self.head(torch.relu(self.second(x)) @ self.first.weight)


class Named(nn.Module):
    """Calls all by keyword."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Linear(12, 16), nn.BatchNorm1d(16)
        self.drop, self.head = nn.Dropout(), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(input=self.first(input=x.flatten(1)))
        return self.head(input=self.drop(input=torch.relu(input=h)))


class Moody(nn.Module):
    """A tracer cannot follow a forward that looks at the values."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp(nn.BatchNorm1d)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) if bool(x.sum() < 1e9) else x


NETWORKS = {
    "mlp": lambda: mlp(lambda _: nn.Identity()),
    "mlp with batch norm": lambda: mlp(nn.BatchNorm1d),
    "mlp with layer norm": lambda: mlp(nn.LayerNorm),
    "residual": Residual,
    "a layer used twice": Twice,
    "tied weights": Tied,
    "called by keyword": Named,
    "not traceable": Moody,
    "conv": lambda: Conv(lambda _: nn.Identity()),
    "conv with batch norm": lambda: Conv(nn.BatchNorm2d),
}


def seen(make: Callable[[], nn.Module]) -> nn.Module:
    """A network in train mode whose running statistics are not the initial ones."""
    with seeded(3, "init"):
        model = make()
        for _ in range(5):
            model(torch.randn(64, 1, 3, 4) * 2 + 1)
    return model


def data(examples: int = 200) -> tuple[Tensor, Tensor]:
    g = stream(5, "data")
    x = torch.randn(examples, 1, 3, 4, generator=g) + 0.5
    return x, torch.randint(0, 4, (examples,), generator=g)


def naive(model: nn.Module, x: Tensor, y: Tensor, statistics: str, seed: int) -> float:
    """The definition, with torch's own modules, in float64 and with a copy."""
    net = copy.deepcopy(model).eval()
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    order = torch.randperm(len(x), generator=stream(seed, "surface", "batches"))
    whole = len(x) // BATCH * BATCH
    batches = order[:whole].split(BATCH)

    def loss(part: Tensor) -> float:
        return float(functional.cross_entropy(net(x[part]), y[part]))

    if statistics == "running" or not norms:
        return loss(order)
    inputs = {norm: [] for norm in norms}
    for norm in norms:
        norm.train()
        norm.register_forward_pre_hook(
            lambda m, args, named: inputs[m].append((*args, *named.values())[0]),
            with_kwargs=True,
        )
    if statistics == "full":
        return loss(order)
    means = [loss(part) for part in batches]
    if statistics == "batch":
        return float(np.mean(means))
    for norm in norms:
        values = torch.cat(inputs[norm]).transpose(0, 1).flatten(1)
        norm.eval()
        norm.running_mean, norm.running_var = values.mean(1), values.var(1)
    return loss(order)


@pytest.mark.parametrize("statistics", ["batch", "full", "recalibrated", "running"])
@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_a_surface_is_the_naive_loss_at_its_points(name: str, statistics: str) -> None:
    model = seen(NETWORKS[name])
    x, y = data()
    found = surface(
        model,
        (x, y),
        statistics=statistics,  # pyright: ignore[reportArgumentType]
        batch_size=BATCH,
        points=3,
        seed=7,
        exact=True,
    )
    exact = copy.deepcopy(model).double()
    first, second = found.directions
    for row, column in ((0, 0), (1, 1), (2, 0)):
        moved = copy.deepcopy(exact)
        for key, parameter in moved.named_parameters():
            parameter += found.a[column] * torch.tensor(first[key]).double()
            parameter += found.b[row] * torch.tensor(second[key]).double()
        expected = naive(moved, x.double(), y, statistics, seed=7)
        # float32 against float64: a few hundred units in the last place
        assert found.loss[row, column] == pytest.approx(expected, rel=1e-5)


@torch.no_grad()
def test_in_float64_the_shortcut_is_exact_to_rounding() -> None:
    model = seen(NETWORKS["mlp with batch norm"]).double()
    x, y = data()
    found = surface(model, (x.double(), y), batch_size=BATCH, points=3, exact=True)
    assert found.loss[1, 1] == pytest.approx(
        naive(model, x.double(), y, "batch", seed=0), rel=1e-12
    )


SHORTCUTS = {
    "mlp": FusedEvaluator,
    "mlp with batch norm": FusedEvaluator,
    "residual": FusedEvaluator,
    "called by keyword": FusedEvaluator,
    "a layer used twice": DirectEvaluator,
    "tied weights": DirectEvaluator,
    "not traceable": DirectEvaluator,
    "conv with batch norm": DirectEvaluator,
}


@pytest.mark.parametrize("name", SHORTCUTS)
def test_the_shortcut_is_taken_where_the_structure_allows(name: str) -> None:
    model, (x, y) = seen(NETWORKS[name]), data()
    source = source_of((x, y), pair=True)
    sample = take_sample(model, source, batch_size=BATCH, seed=0)
    engine = Engine(
        model,
        random_plane(model),
        sample,
        statistics="full",
        objective=CrossEntropy(),
    )
    assert isinstance(engine.evaluators[0], SHORTCUTS[name])


def test_a_second_use_that_few_examples_do_not_show_is_seen_all_the_same() -> None:
    with seeded(4, "init"):
        layer, head = nn.Linear(12, 12), nn.Linear(12, 4)
    with torch.no_grad():
        layer.bias -= 1000  # silent, but far away
    model = nn.Sequential(nn.Flatten(), layer, nn.ReLU(), layer, nn.ReLU(), head)
    x, y = data()
    plane = ("1.bias[0]", "1.weight[1,0]")
    found = surface(model, (x, y), plane, "running", points=3, reach=2000, exact=True)
    moved = copy.deepcopy(model)
    with torch.no_grad():
        moved[1].bias[0] += found.a[2]
        moved[1].weight[1, 0] += found.b[2]
        expected = float(functional.cross_entropy(moved(x), y))
    assert found.loss[2, 2] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("statistics", ["batch", "full"])
def test_a_statistic_of_ones_own_over_the_batch_is_taken_per_batch(statistics) -> None:
    class Centred(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(12, 8), nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            h = self.first(x.flatten(1))
            return self.last(torch.relu(h - h.mean(0)))

    model, (x, y) = seen(Centred), data()
    found = surface(
        model, (x, y), statistics=statistics, batch_size=BATCH, points=3, exact=True
    )
    size = BATCH if statistics == "batch" else len(x)
    order = torch.randperm(len(x), generator=stream(0, "surface", "batches"))
    losses = [
        functional.cross_entropy(model(x[part]), y[part]).item()
        for part in order[: len(x) // size * size].split(size)
    ]
    assert found.loss[1, 1] == pytest.approx(np.mean(losses), rel=1e-5)


def test_the_default_loss_is_torchs_cross_entropy() -> None:
    outputs = torch.randn(50, 7, generator=stream(0, "outputs"))
    targets = torch.arange(50) % 7
    targets[3] = -100  # torch's mark for an example without a target
    expected = functional.cross_entropy(outputs, targets).item()
    assert cross_entropy(outputs, targets).item() == pytest.approx(expected, rel=1e-6)
    shares = functional.softmax(outputs, 1)
    expected = functional.cross_entropy(outputs, shares).item()
    assert cross_entropy(outputs, shares).item() == expected


def test_the_number_of_threads_changes_nothing() -> None:
    model = seen(NETWORKS["mlp with batch norm"])
    one, two = (
        surface(model, data(), points=7, exact=True, threads=threads)
        for threads in (1, 2)
    )
    assert np.array_equal(one.loss, two.loss)
    assert torch.get_num_threads() == 1
