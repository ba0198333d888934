"""Steps written out against autograd and torch.optim.SGD, to the last bit."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from normlab.base.streams import fork_rng, seeded
from normlab.spec.recipe import Recipe
from normlab.train.chain import LINKS, Chain
from normlab.train.gradients import Gradients, layers_of
from normlab.train.plain_sgd import PlainSGD

FEATURES, CLASSES = 12, 5
SIZES = (16, 16, 7, 1)  # of batches; the last ones of an epoch are short
STEPS = 50
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "no norm": lambda n: nn.Identity(),
    "batch norm": nn.BatchNorm1d,
    "without affine": lambda n: nn.BatchNorm1d(n, affine=False),
    "without averages": lambda n: nn.BatchNorm1d(n, track_running_stats=False),
    "cumulative averages": lambda n: nn.BatchNorm1d(n, momentum=None),
    "other eps and momentum": lambda n: nn.BatchNorm1d(n, eps=0.1, momentum=0.7),
    "layer norm": nn.LayerNorm,
    "layer norm without bias": lambda n: nn.LayerNorm(n, bias=False),
    "layer norm without affine": lambda n: nn.LayerNorm(n, elementwise_affine=False),
    "group norm": lambda n: nn.GroupNorm(4, n),
    "group norm without affine": lambda n: nn.GroupNorm(2, n, affine=False),
}
ACTS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu in place": lambda: nn.ReLU(inplace=True),
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "dropout": lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.3)),
    "all of them": lambda: nn.Sequential(
        nn.Tanh(), nn.ReLU(), nn.Sigmoid(), nn.Dropout(0.2), nn.ReLU(), nn.Tanh()
    ),
}


def network(norm: str, act: str, width: int, *, bias: bool = True) -> nn.Sequential:
    with seeded(width, "init"):
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(FEATURES, width, bias=bias),
            nn.Sequential(NORMS[norm](width), ACTS[act]()),
            nn.Linear(width, 20),
            ACTS[act](),  # and the norm behind it
            NORMS[norm](20),
            nn.Dropout(0.0),
            nn.Linear(20, CLASSES),
        )


def batches(steps: int, sizes: tuple[int, ...]) -> Iterator[tuple[Tensor, Tensor]]:
    draws = torch.Generator().manual_seed(1)
    for size in itertools.islice(itertools.cycle(sizes), steps):
        x = torch.randn(size, 3, 4, generator=draws)
        yield x, torch.randint(CLASSES, (size,), generator=draws)


def trained(
    model: nn.Module, recipe: Recipe, sizes: tuple[int, ...], *, written_out: bool
) -> tuple[list[float], Gradients]:
    """Losses of some steps, each at a rate of its own."""
    gradients = Gradients(model, cross_entropy, written_out=written_out)
    descent, losses = PlainSGD(model, recipe), []
    with seeded(3, "train"):  # dropout
        for step, (x, y) in enumerate(batches(STEPS, sizes)):
            gradients.look_again(x)
            losses.append(gradients(x, y).item())
            descent.step(0.1 / (1 + step))
    return losses, gradients


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.fixture
def uses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the batches whose step was written out, trials among them."""
    seen: list[int] = []
    call = Chain.__call__

    def counting(self: Chain, inputs: Tensor, labels: Tensor) -> Tensor:
        seen.append(len(inputs))
        return call(self, inputs, labels)

    monkeypatch.setattr(Chain, "__call__", counting)
    return seen


@pytest.fixture(autouse=True)
def _draws_put_back() -> Iterator[None]:
    with fork_rng():
        yield


def same_as_autograd(
    model: nn.Module, recipe: Recipe, sizes: tuple[int, ...], uses: list[int]
) -> None:
    """Losses, parameters and buffers of all steps; that they were written out."""
    twin = deepcopy(model)
    usual, _ = trained(twin, recipe, sizes, written_out=False)
    assert uses == []
    written, gradients = trained(model, recipe, sizes, written_out=True)
    assert gradients.notes() == []
    steps = list(itertools.islice(itertools.cycle(sizes), STEPS))
    trials = {size for size in sizes if size > 1}
    assert len(uses) == sum(size > 1 for size in steps) + len(trials)
    assert written == usual
    ours, theirs = model.state_dict(), twin.state_dict()
    assert all(ours[name].equal(theirs[name]) for name in theirs)
    uses.clear()


@pytest.mark.parametrize("width", [8, 64])
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("norm", NORMS)
def test_bits_are_those_of_autograd(
    norm: str, act: str, width: int, uses: list[int]
) -> None:
    one = not isinstance(NORMS[norm](8), nn.BatchNorm1d)  # which refuses one example
    sizes = SIZES if one else SIZES[:-1]
    for momentum, decay, bias in ((0.9, 0.0, True), (0.0, 0.01, False)):
        recipe = Recipe(momentum=momentum, weight_decay=decay)
        same_as_autograd(network(norm, act, width, bias=bias), recipe, sizes, uses)


def test_so_they_are_on_two_threads(uses: list[int]) -> None:
    with threads(2):
        same_as_autograd(network("batch norm", "relu", 64), Recipe(), (256,), uses)


class OwnLinear(nn.Linear):
    """A subclass, which may compute anything."""


def tied() -> nn.Sequential:
    net = nn.Sequential(nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 12))
    net[2].weight = net[0].weight
    return net


def twice() -> nn.Sequential:
    layer = nn.Linear(12, 12)
    return nn.Sequential(layer, nn.ReLU(), layer)


def changed(change: Callable[[nn.Sequential], object]) -> nn.Sequential:
    net = nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU())
    change(net)
    return net


class Around(nn.Module):
    """A network that is no Sequential."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, 8)

    def forward(self, x: Tensor) -> Tensor:
        return 2 * self.layer(x)


OTHERS: dict[str, Callable[[], nn.Module]] = {
    "another layer": lambda: nn.Sequential(nn.Linear(12, 8), nn.PReLU()),
    "a subclass": lambda: nn.Sequential(OwnLinear(12, 8)),
    "a module of its own": Around,
    "nothing to train": lambda: nn.Sequential(nn.ReLU()),
    "tied weights": tied,
    "a layer used twice": twice,
    "a hook": lambda: changed(lambda n: n[0].register_forward_hook(lambda *_: None)),
    "a hook in front": lambda: changed(
        lambda n: n.register_forward_pre_hook(lambda *_: None)
    ),
    "a hook behind": lambda: changed(
        lambda n: n[2].register_full_backward_hook(lambda *_: None)
    ),
    "a hook of a parameter": lambda: changed(
        lambda n: n[0].weight.register_hook(lambda g: g)
    ),
    "a hook of a gradient": lambda: changed(
        lambda n: n[0].weight.register_post_accumulate_grad_hook(lambda p: None)
    ),
    "a norm at rest": lambda: changed(lambda n: n[1].eval()),
    "a frozen bias": lambda: changed(
        lambda n: n[0].bias.requires_grad_(requires_grad=False)
    ),
    "double precision": lambda: changed(lambda n: n.double()),
    "a parametrised weight": lambda: changed(
        lambda n: nn.utils.parametrizations.weight_norm(n[0])
    ),
    "another forward": lambda: changed(lambda n: setattr(n[2], "forward", torch.tanh)),
    "a parameter of its own": lambda: changed(
        lambda n: n.register_parameter("scale", nn.Parameter(torch.ones(1)))
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_networks_are_no_chains(name: str) -> None:
    assert layers_of(changed(lambda _: None), torch.ones(4, 12)) is not None
    assert layers_of(OTHERS[name](), torch.ones(4, 12)) is None


def test_images_that_nobody_flattens_are_no_chain() -> None:
    assert layers_of(nn.Sequential(nn.Linear(4, 2)), torch.ones(5, 3, 4)) is None


def test_nor_is_one_while_all_modules_are_watched() -> None:
    net = nn.Sequential(nn.Linear(4, 2))
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    assert layers_of(net, torch.ones(5, 4)) is None
    handle.remove()
    assert layers_of(net, torch.ones(5, 4)) is not None


def test_a_hook_put_on_between_two_steps_is_called(uses: list[int]) -> None:
    model = network("batch norm", "relu", 8).train()
    gradients, called = Gradients(model, cross_entropy, written_out=True), []
    x, y = next(batches(1, (16,)))
    gradients.look_again(x)
    gradients(x, y)
    assert uses == [16, 16]
    model[1].register_forward_hook(lambda *_: called.append(1))
    gradients.look_again(x)
    gradients(x, y)
    assert uses == [16, 16]
    assert called == [1]


def test_where_bits_differ_autograd_stays_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Sloppy(LINKS[nn.Tanh]):
        def backward(self, g: Tensor) -> Tensor:
            return super().backward(g) * (1 + 2**-22)

    monkeypatch.setitem(LINKS, nn.Tanh, Sloppy)
    model = network("batch norm", "tanh", 8)
    twin = deepcopy(model)
    usual, _ = trained(twin, Recipe(), (16,), written_out=False)
    written, gradients = trained(model, Recipe(), (16,), written_out=True)
    assert written == usual
    (note,) = gradients.notes()
    assert note.startswith("batches of 16 are trained by autograd")
    assert "gradient of" in note


def test_the_trial_draws_nothing_and_moves_nothing() -> None:
    model = network("batch norm", "dropout", 8).train()
    before = {n: t.clone() for n, t in model.state_dict().items()}
    drawn = torch.get_rng_state()
    gradients = Gradients(model, cross_entropy, written_out=True)
    x, y = next(batches(1, (16,)))
    gradients.look_again(x)
    assert gradients._proven(x, y)
    assert torch.get_rng_state().equal(drawn)
    assert all(before[n].equal(t) for n, t in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
