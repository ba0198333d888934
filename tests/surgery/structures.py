"""Structures of real networks that break tools which go by names and by order.

One class or function each, with an example and what folding has to do: which norms go,
and why the others stay.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it
from torch.nn.utils import parametrizations, spectral_norm, weight_norm


class Structure(NamedTuple):
    """A network, how it is called, and what folding has to do with it."""

    make: Callable[[], nn.Module]
    example: Any
    folded: tuple[str, ...] = ()
    left: dict[str, str] = {}  # noqa: RUF012 - by path, a part of the reason


class Written(nn.Module):
    """Modules by name, and a function of them and the input."""

    def __init__(self, way: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        self.way = way
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.way(self, *args, **kwargs)


def conv(**options: Any) -> nn.Conv2d:
    return nn.Conv2d(4, 4, 3, **{"padding": 1, **options})


def images(n: int = 2) -> Tensor:
    return torch.randn(n, 4, 6, 6, generator=torch.Generator().manual_seed(1))


def vectors(n: int = 3) -> Tensor:
    return torch.randn(n, 4, generator=torch.Generator().manual_seed(1))


class BatchNormAct(nn.BatchNorm2d):
    """With an activation as a module in it, as timm has it."""

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.drop, self.act = nn.Identity(), nn.SiLU()

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        x = F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.momentum or 0.0,
            self.eps,
        )
        return self.act(self.drop(x))


class BatchNormReLU(nn.BatchNorm2d):
    """With a function behind it."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return F.relu(super().forward(input))


class DoubledNorm(nn.BatchNorm2d):
    """Does more than its base says, and nothing that is known."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return super().forward(input).abs() * 2


class FrozenBatchNorm2d(nn.Module):
    """As detection libraries write it: four buffers."""

    def __init__(self, n: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(n))
        self.register_buffer("bias", torch.zeros(n))
        self.register_buffer("running_mean", torch.zeros(n))
        self.register_buffer("running_var", torch.ones(n))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)


class ConvNormAct(nn.Sequential):
    """A container that is called like a norm, as torchvision has it."""

    def __init__(self) -> None:
        super().__init__(conv(bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True))


class StandardisedConv(nn.Conv2d):
    """Whose weight is standardised when it is called: scaling it does nothing."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        weight = self.weight
        mean, std = weight.mean((1, 2, 3), True), weight.std((1, 2, 3), keepdim=True)  # noqa: FBT003
        weight = (weight - mean) / (std + 1e-5)
        return F.conv2d(input, weight, self.bias, padding=1)


@dataclass
class Output:
    """An answer with names."""

    logits: Tensor
    hidden: tuple[Tensor, ...] = ()


class ModelOutput(OrderedDict[str, Any]):
    """An answer that is a mapping."""


class Steps(nn.Module):
    """The same cell, and its norm, at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.zeros_like(x[:, 0])
        for step in range(x.shape[1]):
            hidden = torch.tanh(self.norm(self.cell(hidden + x[:, step])))
        return hidden


class Unlisted(nn.Module):
    """Keeps its norms in a plain list, which torch does not see."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norms = conv(), [nn.BatchNorm2d(4).double().eval()]

    def forward(self, x: Tensor) -> Tensor:
        return self.norms[0](self.conv(x))


class Conditional(nn.Module):
    """A norm for each domain; an example has one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv()
        self.norms = nn.ModuleDict({n: nn.BatchNorm2d(4) for n in ("photo", "sketch")})

    def forward(self, x: Tensor, domain: str = "photo") -> Tensor:
        return self.norms[domain](self.conv(x))


def _norm_function(self: Any, x: Tensor) -> Tensor:
    norm = self.bn
    return F.relu(
        F.batch_norm(
            self.conv(x), norm.running_mean, norm.running_var, norm.weight, norm.bias
        )
    )


def _shared(self: Any, x: Tensor) -> Tensor:
    return self.norm(self.conv(x)) + self.conv(x.flip(-1))


def _preactivation(self: Any, x: Tensor) -> Tensor:
    return x + self.conv2(self.bn2(self.conv1(self.bn1(x).relu())).relu())


def _checkpointed(self: Any, x: Tensor) -> Tensor:
    from torch.utils.checkpoint import checkpoint

    return checkpoint(self.inner, x, use_reentrant=False)


def _siamese(self: Any, one: Tensor, two: Tensor) -> Tensor:
    return self.inner(one) - self.inner(two)


def _two_inputs(self: Any, pixels: Tensor, gain: Tensor | None = None) -> Tensor:
    return self.norm(self.conv(pixels)) * gain


def _aspp(self: Any, x: Tensor) -> Tensor:
    pooled = self.inner(x.mean((2, 3), keepdim=True))
    return x + pooled.expand_as(x)


def _outputs(self: Any, x: Tensor) -> Output:
    hidden = self.norm(self.conv(x))
    return Output(hidden.mean((2, 3)), (hidden, x))


def _mapping(self: Any, x: Tensor) -> ModelOutput:
    hidden = self.norm(self.conv(x))
    return ModelOutput(out=hidden, aux={"features": [hidden.relu()]})


def _late(self: Any, x: Tensor) -> Tensor:
    x = self.conv(x)
    return self.norm(x) + x.relu()


def _twice_normed(self: Any, x: Tensor) -> Tensor:
    return self.two(self.one(self.conv(x)))


def pair(layer: nn.Module | None = None, norm: nn.Module | None = None) -> nn.Module:
    return nn.Sequential(layer or conv(), norm or nn.BatchNorm2d(4))


def momentum_zero() -> nn.Module:
    return pair(norm=nn.BatchNorm2d(4, momentum=0.0))


def _weight_norm() -> nn.Module:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the old function is in many networks
        return pair(weight_norm(conv()))


NO_FEEDER = "no linear or convolutional layer feeds it directly"
ELSEWHERE = "is used elsewhere too"
STRUCTURES = {
    "pre-activation": Structure(
        lambda: Written(
            _preactivation,
            conv1=conv(),
            bn1=nn.BatchNorm2d(4),
            conv2=conv(),
            bn2=nn.BatchNorm2d(4),
        ),
        images(),
        ("bn2",),
        {"bn1": NO_FEEDER},
    ),
    "conv, ReLU, norm, end": Structure(
        lambda: nn.Sequential(conv(), nn.ReLU(), nn.BatchNorm2d(4)),
        images(),
        (),
        {"2": NO_FEEDER},
    ),
    "conv, ReLU, norm, unpadded conv": Structure(
        lambda: nn.Sequential(
            conv(), nn.ReLU(), nn.BatchNorm2d(4), conv(padding=0, groups=2)
        ),
        images(),
        ("2",),
    ),
    "conv, ReLU, norm, conv padded with zeros": Structure(
        lambda: nn.Sequential(conv(), nn.ReLU(), nn.BatchNorm2d(4), conv()),
        images(),
        (),
        {"2": NO_FEEDER},
    ),
    "conv, ReLU, norm, conv padded by reflection": Structure(
        lambda: nn.Sequential(
            conv(), nn.ReLU(), nn.BatchNorm2d(4), conv(padding_mode="reflect")
        ),
        images(),
        ("2",),
    ),
    "norm, linear": Structure(
        lambda: nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3), nn.BatchNorm1d(3)),
        vectors(),
        ("0", "2"),
    ),
    "norm with an activation in it": Structure(
        lambda: pair(norm=BatchNormAct(4)), images(), ("1",)
    ),
    "norm with a function behind": Structure(
        lambda: pair(norm=BatchNormReLU(4)), images(), ("1",)
    ),
    "norm that does more": Structure(
        lambda: pair(norm=DoubledNorm(4)),
        images(),
        (),
        {"1": "a DoubledNorm is no scale and shift"},
    ),
    "transposed, grouped": Structure(
        lambda: pair(nn.ConvTranspose2d(4, 8, 3, groups=4), nn.BatchNorm2d(8)),
        images(),
        ("1",),
    ),
    "shared conv": Structure(
        lambda: Written(_shared, conv=conv(), norm=nn.BatchNorm2d(4)),
        images(),
        (),
        {"norm": "'conv' runs 2 times"},
    ),
    "not affine": Structure(
        lambda: pair(nn.Linear(4, 6), nn.BatchNorm1d(6, affine=False)),
        vectors(),
        ("1",),
    ),
    "over tokens": Structure(
        lambda: pair(nn.Linear(4, 4), nn.BatchNorm1d(4)),
        torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(1)),
        (),
        {"1": "normalises another axis than '0' puts out"},
    ),
    "norm at every step": Structure(
        Steps,
        torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1)),
        (),
        {"norm": "it runs 3 times, not once"},
    ),
    "siamese": Structure(
        lambda: Written(_siamese, inner=pair()),
        (images(), images(2) * 2),
        (),
        {"inner.1": "it runs 2 times, not once"},
    ),
    "synchronised": Structure(lambda: pair(norm=nn.SyncBatchNorm(4)), images(), ("1",)),
    "frozen look-alike": Structure(
        lambda: pair(norm=FrozenBatchNorm2d(4, eps=1e-3)), images(), ("1",)
    ),
    "no statistics": Structure(
        lambda: pair(norm=nn.BatchNorm2d(4, track_running_stats=False)),
        images(),
        (),
        {"1": "keeps no running statistics"},
    ),
    "momentum 0": Structure(momentum_zero, images(), ("1",)),
    "momentum None": Structure(
        lambda: pair(norm=nn.BatchNorm2d(4, momentum=None)), images(), ("1",)
    ),
    "weight norm": Structure(
        lambda: pair(parametrizations.weight_norm(conv())), images(), ("1",)
    ),
    "weight norm of old": Structure(_weight_norm, images(), ("1",)),
    "spectral norm": Structure(
        lambda: pair(parametrizations.spectral_norm(conv())), images(), ("1",)
    ),
    "spectral norm of old": Structure(
        lambda: pair(spectral_norm(conv())), images(), ("1",)
    ),
    "weight standardisation": Structure(
        lambda: pair(StandardisedConv(4, 4, 3)),
        images(),
        (),
        {"1": "a StandardisedConv, which may use its weight otherwise"},
    ),
    "lazy": Structure(
        lambda: nn.Sequential(
            nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2)
        ),
        images(),
        ("1",),
    ),
    "DataParallel": Structure(lambda: nn.DataParallel(pair()), images(), ("1",)),
    "function": Structure(
        lambda: Written(_norm_function, conv=conv(), bn=nn.BatchNorm2d(4)),
        images(),
        (),
        {"": "batch_norm() is called as a function", "bn": "does not reach it"},
    ),
    "checkpointed": Structure(
        lambda: Written(_checkpointed, inner=pair()), images(), ("inner.1",)
    ),
    "keywords": Structure(
        lambda: Written(_two_inputs, conv=conv(), norm=nn.BatchNorm2d(4)),
        {"pixels": images(), "gain": torch.ones(1)},
        ("norm",),
    ),
    "dataclass out": Structure(
        lambda: Written(_outputs, conv=conv(), norm=nn.BatchNorm2d(4)),
        images(),
        ("norm",),
    ),
    "mapping out": Structure(
        lambda: Written(_mapping, conv=conv(), norm=nn.BatchNorm2d(4)),
        images(),
        ("norm",),
    ),
    "1x1 after pooling": Structure(
        lambda: Written(
            _aspp, inner=nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
        ),
        images(),
        ("inner.1",),
    ),
    "domains": Structure(
        Conditional, images(), ("norms.photo",), {"norms.sketch": "does not reach it"}
    ),
    "plain list": Structure(
        Unlisted, images(), (), {"": "batch_norm() is called as a function"}
    ),
    "container called a norm": Structure(
        lambda: nn.Sequential(ConvNormAct(), ConvNormAct()), images(), ("0.1", "1.1")
    ),
    "value used beside": Structure(
        lambda: Written(_late, conv=conv(), norm=nn.BatchNorm2d(4)),
        images(),
        (),
        {"norm": ELSEWHERE},
    ),
    "two norms in a row": Structure(
        lambda: Written(
            _twice_normed, conv=conv(), one=nn.BatchNorm2d(4), two=nn.BatchNorm2d(4)
        ),
        images(),
        ("one",),
        {"two": NO_FEEDER},
    ),
    "group norm": Structure(
        lambda: pair(norm=nn.GroupNorm(2, 4)),
        images(),
        (),
        {"1": "a GroupNorm is no scale and shift"},
    ),
}
