"""Every network of the registry, with every norm."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from normlab.base.streams import seeded, stream
from normlab.errors import BadModel
from normlab.nets.check import answer, refuse_untrainable
from normlab.nets.registry import build
from normlab.nets.sigmoid import WEIGHT_STD
from normlab.norms.recognize import is_norm
from normlab.norms.registry import maker
from normlab.spec.nets import NETS
from normlab.spec.norms import FAMILIES

MNIST = (1, 28, 28)
SHAPES = (MNIST, (3, 32, 32), (3, 17, 14))
# instance norm has no meaning behind linear layers
FITTING = [
    (net, norm)
    for net in NETS
    for norm in FAMILIES
    if norm != "instance" or net == "resnet"
]


def built(net: str, norm: str, shape: tuple[int, ...] = MNIST) -> nn.Module:
    with seeded(0, "init"):
        return build(net, maker(norm), shape, 10)


def varied(net: str, norm: str = "batch", **options: float | str) -> nn.Module:
    with seeded(0, "init"):
        return build(net, maker(norm), MNIST, 10, **options)


def children(model: nn.Module) -> list[str]:
    return [name for name, _ in model.named_children()]


def slots(model: nn.Module) -> list[str]:
    """Paths of all norm slots, filled or not."""
    return [
        path for path, _ in model.named_modules()
        if path.rpartition(".")[2].startswith("norm")
    ]  # fmt: skip


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def check_model(model: nn.Module, shape: tuple[int, ...], classes: int) -> None:
    """Whether it can be trained on such examples, and answers them in both modes."""
    refuse_untrainable(model)
    inputs = torch.randn(2, *shape, generator=stream("check_model"))
    with seeded(0, "check_model"):  # noise draws
        for training in (True, False):
            answer(model.train(training), inputs, classes)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("net", "norm"), FITTING)
def test_a_net_fits_the_shape_and_classes_of_the_data(
    net: str, norm: str, shape: tuple[int, ...]
) -> None:
    with seeded(0, "init"):
        model = build(net, maker(norm), shape, 7)
    check_model(model, shape, 7)


@pytest.mark.parametrize(
    ("net", "none", "batch"),
    [
        ("mlp", 535_818, 537_354),  # the article's network, biases kept
        ("sigmoid", 99_710, 100_310),
        ("lenet", 61_706, 62_158),  # LeCun 1998 has 60,000: fewer second maps
        ("resnet", 77_418, 78_090),
    ],
)
def test_parameters_are_counted(net: str, none: int, batch: int) -> None:
    assert (count(built(net, "none")), count(built(net, "batch"))) == (none, batch)


@pytest.mark.parametrize(("net", "norm"), FITTING)
def test_all_arms_name_their_slots_and_weights_alike(net: str, norm: str) -> None:
    plain, normed = built(net, "none"), built(net, norm)
    assert slots(plain) == slots(normed)
    inside = tuple(f"{slot}." for slot in slots(normed))
    assert [n for n, _ in plain.named_modules()] == [
        n for n, _ in normed.named_modules() if not n.startswith(inside)
    ]
    shared = plain.state_dict()
    assert {n: t.shape for n, t in normed.state_dict().items() if n in shared} == {
        n: t.shape for n, t in shared.items()
    }


@pytest.mark.parametrize(("net", "norm"), [f for f in FITTING if f[1] != "none"])
def test_norms_stand_in_slots_and_nowhere_else(net: str, norm: str) -> None:
    model = built(net, norm)
    found = [path for path, module in model.named_modules() if is_norm(module)]
    assert set(found) <= set(slots(model))
    assert len(found) >= 2


@pytest.mark.parametrize("net", NETS)
def test_norms_come_before_their_nonlinearity(net: str) -> None:
    order = [name for name, _ in built(net, "batch").named_children()]
    for before, after in pairwise(order):
        if before.startswith("norm"):
            assert after.startswith(("relu", "sigmoid"))


@pytest.mark.parametrize(("net", "norm"), FITTING)
def test_initial_weights_depend_on_the_ambient_address_alone(
    net: str, norm: str
) -> None:
    one, again = built(net, norm).state_dict(), built(net, norm).state_dict()
    assert all(one[name].equal(again[name]) for name in one)
    with seeded(1, "init"):
        other = build(net, maker(norm), MNIST, 10).state_dict()
    assert not other[next(iter(other))].equal(one[next(iter(one))])


@pytest.mark.parametrize("net", NETS)
def test_norms_draw_no_random_numbers(net: str) -> None:
    # so the shared weights of all arms are equal even before they are copied
    plain, normed = built(net, "none").state_dict(), built(net, "batch").state_dict()
    assert all(normed[name].equal(plain[name]) for name in plain)


def test_the_sigmoid_network_starts_from_small_gaussian_weights() -> None:
    weights = dict(built("sigmoid", "none").named_parameters())
    drawn = weights["fc1.weight"]
    # 78,400 numbers: the standard error of their deviation is .0025 of it
    assert drawn.std().item() == pytest.approx(WEIGHT_STD, rel=0.01)
    assert drawn.abs().max() > 3.5 * WEIGHT_STD  # no uniform reaches that
    assert all(not w.any() for name, w in weights.items() if name.endswith("bias"))


def test_the_residual_network_trains_without_norms() -> None:
    # its signal neither explodes nor dies on the way to the last block
    model = built("resnet", "none")
    x = torch.ones(1, *MNIST)
    for name, module in list(model.named_children())[:6]:
        x = module(x)
        assert 0.05 < x.std().item() < 5, name


@pytest.mark.parametrize("net", ["mlp", "sigmoid", "lenet"])
def test_a_norm_can_stand_behind_its_nonlinearity(net: str) -> None:
    order = children(varied(net, placement="after"))
    for before, after in pairwise(order):
        if after.startswith("norm"):
            assert before.startswith(("relu", "sigmoid"))
    assert sorted(order) == sorted(children(built(net, "batch")))


def test_placement_changes_what_is_computed_and_nothing_else() -> None:
    before, after = varied("mlp"), varied("mlp", placement="after")
    x = torch.ones(4, *MNIST) * torch.arange(4.0).view(-1, 1, 1, 1)
    assert all(t.equal(after.state_dict()[n]) for n, t in before.state_dict().items())
    # a norm leaves a unit with mean 0, a ReLU with none below 0
    hidden = after[:4](x)
    torch.testing.assert_close(hidden.mean(0), torch.zeros(512), rtol=0, atol=1e-5)
    assert before[:4](x).min() == 0


@pytest.mark.parametrize("depth", [1, 3, 30])
def test_depth_counts_hidden_layers(depth: int) -> None:
    model = varied("mlp", depth=depth, width=20)
    assert len(slots(model)) == depth
    # first layer, the others, output; and gain and shift of every norm
    expected = 784 * 20 + 20 + (depth - 1) * 420 + 210 + depth * 40
    assert count(model) == expected
    check_model(model, MNIST, 10)


def test_layers_beyond_those_of_the_net_repeat_its_last() -> None:
    widths = [
        m.out_features for m in varied("mlp", depth=4) if hasattr(m, "in_features")
    ]
    assert widths == [512, 256, 256, 256, 10]


def test_the_sigmoid_net_is_a_feed_forward_net_with_other_defaults() -> None:
    ours = built("sigmoid", "batch").state_dict()
    same = varied(
        "mlp", depth=3, width=100, activation="sigmoid", weight_std=WEIGHT_STD
    )
    assert ours.keys() == same.state_dict().keys()
    assert all(tensor.equal(same.state_dict()[name]) for name, tensor in ours.items())


def test_the_initial_scale_can_be_chosen() -> None:
    one, ten = varied("sigmoid", weight_std=0.01), varied("sigmoid", weight_std=0.1)
    torch.testing.assert_close(one[1].weight * 10, ten[1].weight)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_the_nonlinearity_can_be_chosen(net: str, activation: str) -> None:
    model = varied(net, activation=activation)
    kinds = {type(m) for m in model.modules()} & {nn.ReLU, nn.Sigmoid}
    assert kinds == {nn.ReLU if activation == "relu" else nn.Sigmoid}
    check_model(model, MNIST, 10)


def test_the_nonlinearity_changes_no_initial_weight() -> None:
    for net in ("lenet", "resnet"):
        usual = varied(net).state_dict()
        other = varied(net, activation="sigmoid").state_dict()
        assert all(tensor.equal(other[name]) for name, tensor in usual.items())


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"activation": "relo"}, "no activation 'relo'. There are: relu, sigmoid"),
        ({"placement": "inside"}, "no placement 'inside'. There are: before, after"),
    ],
)
def test_an_unknown_option_is_refused(option: dict[str, str], text: str) -> None:
    with pytest.raises(BadModel, match=text):
        varied("mlp", **option)


REFUSED = [
    ("mlpp", "none", MNIST, 10, "no net 'mlpp'. There are: mlp, sigmoid, .*factory"),
    ("mlp", "none", (), 10, r"net 'mlp' cannot read examples of shape \(\)"),
    ("mlp", "none", (3, 0), 10, r"examples of shape \(3, 0\)"),
    ("mlp", "none", MNIST, 1, "net 'mlp' needs at least 2 classes, not 1"),
    ("mlp", "instance", MNIST, 10, "net 'mlp': instance norm on vectors of 512"),
    ("lenet", "none", (784,), 10, r"net 'lenet' needs images .* \(784,\).*--model mlp"),
    ("lenet", "none", (1, 11, 28), 10, "at least 12 x 12, but these are 11 x 28"),
    ("resnet", "none", (1, 7, 7), 10, "net 'resnet' needs images of at least 8 x 8"),
]


@pytest.mark.parametrize(("net", "norm", "shape", "classes", "text"), REFUSED)
def test_what_cannot_be_built_is_refused(
    net: str, norm: str, shape: tuple[int, ...], classes: int, text: str
) -> None:
    with seeded(0, "init"), pytest.raises(BadModel, match=text):
        build(net, maker(norm), shape, classes)


@pytest.mark.parametrize("net", ["lenet", "resnet"])
def test_the_smallest_allowed_image_works(net: str) -> None:
    side = {"lenet": 12, "resnet": 8}[net]
    check_model(built(net, "batch", (1, side, side)), (1, side, side), 10)


def test_a_net_that_no_memory_holds_is_refused() -> None:
    with pytest.raises(BadModel, match=r"'mlp' on inputs of 3 x 9 x 9 does not fit"):
        build("mlp", maker("none"), (3, 9, 9), 10, width=10**12)
