"""A slot is accepted exactly where its norm normalises the features it was made for."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.base.slots import Slot, marked
from normlab.base.streams import numpy_stream, seeded
from normlab.errors import BadModel
from normlab.norms.registry import maker
from normlab.study.slot_check import check_slots

FEATURES, EXAMPLES = 6, 8
POSITIONS = (4, 5, 3)


class Passes(nn.Module):
    """Brings vectors into a layout, normalises them there, and scores two classes."""

    def __init__(self, norm: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.norm, self.shape, self.seen = norm, shape, torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = self.norm(x.view(-1, *self.shape))
        return self.seen.flatten(1)[:, :1].expand(-1, 2)


def slot(name: str, features: int, dims: int) -> nn.Module:
    return marked(maker(name)(features, dims), Slot(features, dims))


def by_hand(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The equations, one value at a time, with the features along axis 1."""
    out = np.empty_like(x)
    groups = 3 if x.ndim > 2 else 2  # of 6 features
    for place in np.ndindex(x.shape):
        example, feature = place[:2]
        group = feature // (FEATURES // groups) * (FEATURES // groups)
        together = {
            "batch": x[:, feature],
            "layer": x[example],
            "rms": x[example],
            "group": x[example, group : group + FEATURES // groups],
            "instance": x[example, feature],
        }[name]
        mean = 0 if name == "rms" else together.mean()
        power = ((together - mean) ** 2).mean() + (0 if name == "rms" else 1e-5)
        out[place] = (x[place] - mean) / np.sqrt(power)
    return out


def look(model: Passes) -> None:
    size = int(np.prod(model.shape))
    drawn = numpy_stream(0, "slots", size).normal(size=(EXAMPLES, size))
    check_slots(model.double(), torch.from_numpy(drawn), 2)


@pytest.mark.parametrize("name", ["none", "batch", "layer", "group", "instance", "rms"])
@pytest.mark.parametrize("last", [False, True], ids=["second", "last"])
def test_a_slot_is_accepted_where_the_norm_takes_the_right_axis(
    name: str, last: bool
) -> None:
    for asked, axes in product(range(4), range(4)):
        if name == "instance" and asked == 0:
            continue  # refused when it is made
        places = POSITIONS[:axes]
        shape = (*places, FEATURES) if last else (FEATURES, *places)
        model = Passes(slot(name, FEATURES, asked), shape).train()
        if asked != axes or (last and axes):
            with pytest.raises(
                BadModel, match=r"^norm slot 'norm': norm\(6"
            ) as refused:
                look(model)
            dims = f", dims={axes}" if axes else ""
            assert f"all norm(6{dims})" in str(refused.value)
            continue
        look(model)
        if name != "none":
            x = numpy_stream(0, "slots", int(np.prod(shape)))
            drawn = x.normal(size=(EXAMPLES, *shape))
            np.testing.assert_allclose(
                model.seen.detach().numpy(), by_hand(name, drawn), atol=1e-5
            )


@pytest.mark.parametrize("dims", [0, 1])
def test_where_sizes_are_equal_the_features_are_followed(dims: int) -> None:
    class Tokens(nn.Module):
        def __init__(self, turned: bool) -> None:
            super().__init__()
            self.linear, self.norm = nn.Linear(4, 4), slot("batch", 4, dims)
            self.turned = turned

        def forward(self, x: Tensor) -> Tensor:
            y = self.linear(x.view(-1, 4, 4))
            return self.norm(y.mT if self.turned else y).flatten(1)[:, :2]

    x = torch.ones(EXAMPLES, 16)
    with seeded(0, "test slots"):
        tokens, turned = Tokens(turned=False), Tokens(turned=True)
    with pytest.raises(BadModel, match=r"dims=1\) on x\.movedim\(-1, 1\)"):
        check_slots(tokens, x, 2)
    if dims:
        check_slots(turned, x, 2)


WIDTHS = [2, 4, 6, 8, 12, 16]


@pytest.mark.parametrize("name", ["batch", "layer", "group", "instance", "rms"])
@pytest.mark.parametrize("places", [(), (1,), (2,), (1, 1), (1, 2), (2, 2), (1, 1, 3)])
def test_a_norm_that_lets_nothing_through_is_refused(
    name: str, places: tuple[int, ...]
) -> None:
    for width in WIDTHS:
        try:
            norm = slot(name, width, len(places)).double()
        except BadModel:
            continue  # of that width there is none
        drawn = numpy_stream(1, "slots").normal(0, 1e3, (EXAMPLES, width, *places))
        try:
            size = norm(torch.from_numpy(drawn)).abs()
            constant = size.sub(size.flatten()[0]).abs().max().item() < 1e-3
        except ValueError:  # torch's instance norm of one position says so itself
            constant = True
        model = Passes(norm, (width, *places))
        if constant:
            with pytest.raises(BadModel, match="of an example, so its output would be"):
                look(model)
        else:
            look(model)


def test_what_no_batch_reaches_and_who_has_no_shift_is_seen() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bare, self.empty = nn.Linear(4, 4, bias=False), slot("none", 4, 0)
            self.other, self.norm = nn.Linear(4, 4, bias=False), slot("batch", 4, 0)
            self.unused = slot("batch", 4, 0)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.other(self.empty(self.bare(x))))
            return nn.functional.layer_norm(x, (4,))[:, :2]

    with seeded(0, "test slots"):
        seen = check_slots(Net(), torch.ones(3, 4), 2)
    assert seen == (("unused",), ("bare",), ("layer_norm()",))


class Cut(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :-1]


class Summed(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(0)


class Paired(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, None]:
        return x, None


@pytest.mark.parametrize(
    ("norm", "text"),
    [
        (Cut, r"Cut makes \(4, 7\) of \(4, 8\)\. A norm keeps the shape"),
        (Summed, r"Summed makes \(8,\) of \(4, 8\)\. A norm keeps the shape"),
        (Paired, r"Paired makes tuple of a tensor, not a tensor"),
    ],
)
def test_a_norm_that_makes_another_shape_is_named(
    norm: type[nn.Module], text: str
) -> None:
    """By its slot, and not by the layer behind it that cannot read what it makes."""
    wrong = marked(norm(), Slot(8, 0))
    with seeded(0, "init"):
        net = nn.Sequential(nn.Linear(6, 8), wrong, nn.Linear(8, 3))
    with pytest.raises(BadModel, match=rf"^norm slot '1': {text}"):
        check_slots(net, torch.zeros(4, 6), 3)
