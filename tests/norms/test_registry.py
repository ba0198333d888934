"""Every norm of the registry, at every kind of slot."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from normlab.base.slots import KINDS
from normlab.base.streams import seeded, stream
from normlab.errors import BadModel
from normlab.norms.group import group_count
from normlab.norms.recognize import is_norm
from normlab.norms.registry import maker
from normlab.spec.norms import FAMILIES

FEATURES = 16
POSITIONS = ((), (5,), (4, 3), (2, 3, 2))
# what one value is normalised over; of an input (n, features, *positions)
AXES = {
    "batch": lambda x: (0, *range(2, x.dim())),
    "layer": lambda x: tuple(range(1, x.dim())),
    "instance": lambda x: tuple(range(2, x.dim())),
}
SLOTS = [
    (name, dims)
    for name in FAMILIES
    for dims in range(len(KINDS))
    if (name, dims) != ("instance", 0)
]


def batch(dims: int) -> Tensor:
    """Eight examples, off centre and of uneven width, float64."""
    x = torch.randn(8, FEATURES, *POSITIONS[dims], generator=stream(dims)).double()
    return 3 * x + torch.arange(8.0).view(-1, *(1,) * (x.dim() - 1))


def norm(name: str, dims: int) -> nn.Module:
    """The norm of a slot with a gain and a shift of their own per feature."""
    module = maker(name)(FEATURES, dims).double()
    with torch.no_grad():
        for parameter in module.parameters():
            drawn = torch.randn(parameter.shape, generator=stream("parameter"))
            parameter.copy_(drawn)
    return module


def affine(module: nn.Module, xhat: Tensor) -> Tensor:
    """Gain and shift of `module`, feature by feature, if it has them."""
    shape = (1, -1, *(1,) * (xhat.dim() - 2))
    shift = getattr(module, "bias", None)
    y = xhat * module.weight.view(shape)
    return y if shift is None else y + shift.view(shape)


@pytest.mark.parametrize(("name", "dims"), [s for s in SLOTS if s[0] in AXES])
def test_a_norm_subtracts_and_divides_over_its_axes(name: str, dims: int) -> None:
    module, x = norm(name, dims), batch(dims)
    variance, mean = torch.var_mean(x, AXES[name](x), keepdim=True, correction=0)
    expected = affine(module, (x - mean) / (variance + 1e-5).sqrt())
    torch.testing.assert_close(module(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dims", range(4), ids=KINDS)
def test_rms_divides_by_the_root_mean_square_of_an_example(dims: int) -> None:
    module, x = norm("rms", dims), batch(dims)
    square = x.square().mean(tuple(range(1, x.dim())), keepdim=True)
    expected = affine(module, x / (square + torch.finfo(x.dtype).eps).sqrt())
    torch.testing.assert_close(module(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dims", range(4), ids=KINDS)
def test_group_norm_is_layer_norm_of_each_group(dims: int) -> None:
    module, x = maker("group")(FEATURES, dims).double(), batch(dims)
    parts = x.chunk(group_count(FEATURES, dims), dim=1)
    layered = [maker("layer")(p.shape[1], dims).double()(p) for p in parts]
    torch.testing.assert_close(module(x), torch.cat(layered, dim=1))


@pytest.mark.parametrize(("name", "dims"), SLOTS)
def test_a_norm_keeps_the_shape_and_passes_a_gradient(name: str, dims: int) -> None:
    x = batch(dims).requires_grad_()
    with seeded(0, "noise"):
        y = norm(name, dims)(x)
    y.square().sum().backward()
    assert y.shape == x.shape
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(("name", "dims"), SLOTS)
def test_every_norm_but_none_is_a_norm(name: str, dims: int) -> None:
    assert is_norm(maker(name)(FEATURES, dims)) == (name != "none")


@pytest.mark.parametrize(
    "name", ["batch", "layer", "group", "instance", "ghost", "noisy"]
)
def test_gain_and_shift_are_learnt_per_feature(name: str) -> None:
    shapes = [tuple(p.shape) for p in maker(name)(FEATURES, dims=2).parameters()]
    assert shapes == [(FEATURES,), (FEATURES,)]


@pytest.mark.parametrize(
    "module", [nn.Linear(1, 1, bias=False, device="meta"), nn.ReLU(), nn.Dropout()]
)
def test_other_layers_are_no_norms(module: nn.Module) -> None:
    assert not is_norm(module)


@pytest.mark.parametrize(
    ("features", "dims", "count"),
    [
        (512, 0, 32),  # 16 each
        (256, 0, 32),  # 8 each
        (100, 0, 10),  # 25 groups would have 4 each
        (10, 0, 2),  # too narrow for 8: as few as possible
        (64, 2, 32),  # 2 channels each, as in Wu and He's first layer
        (16, 2, 8),
        (6, 3, 3),
    ],
)
def test_groups_are_many_but_big_enough(features: int, dims: int, count: int) -> None:
    assert group_count(features, dims) == count


def test_the_number_of_groups_can_be_chosen() -> None:
    assert maker("group", groups=4)(FEATURES, 2).num_groups == 4


@pytest.mark.parametrize(("features", "dims"), [(18, 2), (4, 0)])
def test_a_number_of_groups_that_does_not_fit_is_refused(
    features: int, dims: int
) -> None:
    with pytest.raises(BadModel, match=r"cannot be cut into groups=4 equal .* divides"):
        maker("group", groups=4)(features, dims)


REFUSED = [
    ("instance", 256, 0, "instance norm on vectors of 256 features: .* constant"),
    ("layer", 1, 0, "layer norm on vectors of 1 feature: a single value"),
    ("rms", 1, 0, "rms norm on vectors of 1 feature: of a single value only the sign"),
    ("group", 4, 0, "group norm on vectors of 4 features: they cannot be cut"),
    ("group", 7, 0, "groups of at least 3, and smaller .* Use 'layer'"),
    ("group", 3, 2, "group norm on images of 3 features: .* at least 2,"),
    *((name, 0, 0, "at least 1 feature, not features=0") for name in FAMILIES),
    *((name, 2.5, 0, "not features=2.5") for name in FAMILIES),
    *((name, 16, 4, r"dims=0 \(vectors\), .* not dims=4") for name in FAMILIES),
]


@pytest.mark.parametrize(("name", "features", "dims", "text"), REFUSED)
def test_a_slot_where_a_norm_has_no_meaning_is_refused(
    name: str, features: int, dims: int, text: str
) -> None:
    with pytest.raises(BadModel, match=text):
        maker(name)(features, dims)


def test_a_width_computed_with_numpy_is_a_width() -> None:
    assert maker("batch")(np.int64(5)).num_features == 5


def test_an_unknown_norm_is_refused() -> None:
    with pytest.raises(
        BadModel, match=r"no norm 'bach'\. There are: none, batch, layer"
    ):
        maker("bach")
