"""Arms made of a network as it is: equal to those that one would have written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from normlab.base.slots import Slot, slots_of
from normlab.base.streams import seeded
from normlab.errors import BadModel
from normlab.norms.registry import maker
from normlab.study.built import Redrawn
from normlab.surgery.chart import chart
from normlab.surgery.derive import derive
from normlab.surgery.features_last import FeaturesLast

pytestmark = pytest.mark.usefixtures("drawn")
SHAPE = (3, 8, 8)
X = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def drawn() -> Iterator[None]:
    """What a test draws, it draws for itself."""
    with seeded("derive"):
        yield


class Written(nn.Module):
    """A network as people write it, around the layers it is given."""

    def __init__(self, norms: Callable[[int], nn.Module], *, bias: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, bias=bias)
        self.bn1 = norms(8)
        self.down = nn.ConvTranspose2d(8, 12, 3, bias=bias)
        self.bn2 = norms(12)
        self.fc = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.down(x)))
        return self.fc(x.mean((2, 3)))


def plain() -> nn.Module:
    return Written(lambda n: nn.BatchNorm2d(n, eps=1e-3, momentum=0.3), bias=False)


BY_HAND: dict[str, Callable[[int], nn.Module]] = {
    "batch": lambda n: nn.BatchNorm2d(n, eps=1e-3, momentum=0.3),
    "group": lambda n: nn.GroupNorm(n // 2, n, eps=1e-3),
    "layer": lambda n: nn.GroupNorm(1, n, eps=1e-3),
    "instance": lambda n: nn.InstanceNorm2d(n, eps=1e-3, affine=True),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_an_arm_is_the_network_that_one_would_have_written(name: str) -> None:
    with seeded(0, "init"):
        derived = derive(plain(), maker(name), SHAPE)
    written = Written(BY_HAND[name], bias=False)
    written.load_state_dict(derived.state_dict(), strict=False)
    for model in (derived, written):
        model.train()(X)
    assert torch.equal(derived(X), written(X))
    assert torch.equal(derived.eval()(X), written.eval()(X))


def test_without_norms_layers_get_the_shift_that_went_with_them() -> None:
    derived = derive(plain(), maker("none"), SHAPE)
    written = Written(lambda n: nn.Identity(), bias=True)
    written.load_state_dict(derived.state_dict())
    assert torch.equal(derived(X), written(X))
    assert not derived.get_parameter("conv1.bias").any()
    assert len(derived.get_parameter("down.bias")) == 12


def test_every_layer_in_front_of_a_shared_norm_gets_the_shift() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = (nn.Linear(8, 8, bias=False) for _ in range(2))
            self.bn = nn.BatchNorm1d(8)

        def forward(self, x: Tensor) -> Tensor:
            return self.bn(self.two(self.bn(self.one(x)).relu()))

    derived = derive(Shared(), maker("none"), (8,))
    assert {"one.bias", "two.bias"} <= {*dict(derived.named_parameters())}


def test_as_is_nothing_changes_but_the_marks() -> None:
    model = plain()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    derived = derive(model, None, SHAPE)
    assert all(torch.equal(t, before[n]) for n, t in derived.state_dict().items())
    assert slots_of(derived) == {"bn1": Slot(8, 2), "bn2": Slot(12, 2)}


def test_a_look_moves_neither_the_model_nor_the_generators() -> None:
    model = plain()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    drawn = torch.get_rng_state()
    chart(model, X)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert model.training
    assert all(torch.equal(t, before[n]) for n, t in model.state_dict().items())


class Bare(nn.Module):
    """No norm anywhere; one layer feeds no nonlinearity, one runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.twice = nn.Linear(6, 6)
        self.fc = nn.Linear(6, 4)
        self.act = nn.GELU()
        self.out = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.conv(x)).mean((2, 3))
        x = torch.tanh(self.twice(torch.tanh(self.twice(x))))
        return self.out(self.act(self.fc(x)))


def test_where_there_is_none_a_norm_stands_before_each_nonlinearity() -> None:
    model = derive(Bare(), maker("batch"), SHAPE)
    assert slots_of(model) == {
        "conv.normlab_norm": Slot(6, 2),
        "fc.normlab_norm": Slot(4, 0),
    }
    assert {*Bare().state_dict()} <= {*model.state_dict()}
    bare = Bare()
    bare.load_state_dict(model.state_dict(), strict=False)
    hidden = torch.relu(nn.BatchNorm2d(6)(bare.conv(X))).mean((2, 3))
    hidden = torch.tanh(bare.twice(torch.tanh(bare.twice(hidden))))
    expected = bare.out(bare.act(nn.BatchNorm1d(4)(bare.fc(hidden))))
    assert torch.equal(model(X), expected)


def test_features_along_the_last_axis_are_turned_and_turned_back() -> None:
    tokens = torch.randn(2, 7, 6)
    net = nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6), nn.ReLU())
    model = derive(net, maker("batch"), (7, 6))
    assert isinstance(model[1], FeaturesLast)
    expected = nn.BatchNorm1d(6)(net[0](tokens).movedim(-1, 1)).movedim(1, -1)
    assert torch.equal(model(tokens), expected.relu())


class Unreached(nn.Module):
    """It has a norm that forward forgets."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.conv(x))


REFUSED: dict[str, tuple[Callable[[], nn.Module], str | None, str]] = {
    "no place": (lambda: nn.Flatten(), "batch", "has no norm, and no linear layer"),
    "as-is of none": (Bare, None, "has no norms of its own to keep"),
    "not reached": (
        Unreached,
        "batch",
        "has norms, but an example reaches none of them: bn",
    ),
    "unreadable": (lambda: nn.Linear(7, 2), "none", r"cannot read an example of shape"),
    "no meaning": (
        lambda: nn.Sequential(nn.Conv2d(3, 1, 3), nn.BatchNorm2d(1)),
        "group",
        r"'1': group norm on images of 1 feature",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_one_line(case: str) -> None:
    make, norm, text = REFUSED[case]
    with pytest.raises(BadModel, match=text) as refused:
        derive(make(), maker(norm) if norm else None, SHAPE)
    assert "\n" not in str(refused.value)


def test_a_built_network_is_drawn_anew_for_every_seed() -> None:
    model = plain()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    drawn = []
    for seed in (0, 0, 1):
        with seeded(seed, "init"):
            drawn.append(Redrawn(model)().get_parameter("conv1.weight"))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert all(torch.equal(t, before[n]) for n, t in model.state_dict().items())


def test_what_cannot_be_drawn_anew_is_named() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.ones(3))

    with pytest.raises(BadModel, match=r"'0' \(Own\) has tensors of its own and no"):
        Redrawn(nn.Sequential(Own()))()
