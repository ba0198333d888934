"""Networks of every kind that a surface can be asked of, as data for the matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.utils import parametrizations

from normlab.norms.ghost import GhostBatchNorm
from normlab.norms.noisy import NoisyBatchNorm
from normlab.norms.rms import ChannelRMSNorm

EXAMPLES = 24

INPUTS: dict[str, Callable[[], Any]] = {
    "vector": lambda: torch.randn(EXAMPLES, 6) + 0.5,
    "row": lambda: torch.randn(EXAMPLES, 2, 6) + 0.5,
    "image": lambda: torch.randn(EXAMPLES, 2, 5, 5) + 0.5,
    "volume": lambda: torch.randn(EXAMPLES, 2, 3, 3, 3) + 0.5,
    "tokens": lambda: torch.randint(0, 11, (EXAMPLES, 5)),
    "two": lambda: (torch.randn(EXAMPLES, 6), torch.randn(EXAMPLES, 2)),
    "named": lambda: {"x": torch.randn(EXAMPLES, 6), "z": torch.randn(EXAMPLES, 2)},
}


def followers(net: nn.Module) -> list[nn.Module]:
    """The norms that follow the statistics: torch's, and such as keep averages."""
    return [
        m
        for m in net.modules()
        if isinstance(m, _BatchNorm | Own)
        or (isinstance(m, _InstanceNorm) and m.track_running_stats)
    ]


def nothing(_: nn.Module) -> list[nn.Module]:
    """No norm follows."""
    return []


@dataclass(frozen=True)
class Case:
    """A network, what it is given, and what is refused of it."""

    make: Callable[[], nn.Module]
    inputs: str = "vector"
    loss: Callable[[Any, Tensor], Tensor] = functional.cross_entropy
    norms: Callable[[nn.Module], Sequence[nn.Module]] = followers
    interacts: bool = False  # examples of a batch, norms or not
    refused: dict[str, str] = field(default_factory=dict)
    fast: tuple[str, ...] = ()  # statistics for which the fast path is taken
    tolerance: float = 3e-5


class Forward(nn.Module):
    """Parts, and a function of them and the inputs."""

    def __init__(self, forward: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.function = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *args: Any, **named: Any) -> Any:
        return self.function(self, *args, **named)


class Own(nn.Module):
    """Batch norm by hand, with averages in buffers of torch's names."""

    names = ("running_mean", "running_var")

    def __init__(self, features: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.rand(features) + 0.5)
        self.shift = nn.Parameter(torch.randn(features))
        self._keep(torch.zeros(features), torch.ones(features))

    def _keep(self, *values: Tensor) -> None:
        for name, value in zip(self.names, values, strict=True):
            self.register_buffer(name, value)

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = (getattr(self, name) for name in self.names)
        if self.training:
            now = x.mean(0), x.var(0, unbiased=False)
            for name, old, new in zip(self.names, (mean, variance), now, strict=True):
                setattr(self, name, 0.9 * old + 0.1 * new.detach())
            mean, variance = now
        return (x - mean) / (variance + 1e-5).sqrt() * self.gain + self.shift


class Moving(Own):
    """The same under other names."""

    names = ("moving_mean", "moving_var")


class Attributes(Moving):
    """The same in plain attributes."""

    def _keep(self, *values: Tensor) -> None:
        for name, value in zip(self.names, values, strict=True):
            setattr(self, name, value)

    def _apply(self, *args: Any, **named: Any) -> Any:
        found = super()._apply(*args, **named)
        for name in self.names:
            setattr(self, name, getattr(self, name).to(self.gain.dtype))
        return found


class Recording(Moving):
    """Knows that it trains by whether operations are recorded."""

    def forward(self, x: Tensor) -> Tensor:
        self.training = torch.is_grad_enabled()
        return super().forward(x)


class Fixed(nn.Module):
    """Batch norm over images that keeps its averages in every mode."""

    def __init__(self, features: int) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean"):
            self.register_buffer(name, torch.randn(features))
        self.register_buffer("running_var", torch.rand(features) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (x.ndim - 2)
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.view(shape) + shift.view(shape)


class Blend(nn.BatchNorm1d):
    """Uses its stored averages while it trains."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.running_mean is None:
            return super().forward(x)
        kept = self.running_mean.clone()
        return super().forward(x) + x.mean(0).detach() - kept


class Functional(nn.Module):
    """The function of batch norm, with buffers of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 3)
        self.register_buffer("mean", torch.zeros(8))
        self.register_buffer("variance", torch.ones(8))

    def forward(self, x: Tensor) -> Tensor:
        h = functional.dropout(self.first(x), 0.3, self.training)
        h = functional.batch_norm(h, self.mean, self.variance, training=self.training)
        return self.last(torch.relu(h))


class Largest(nn.Module):
    """Divides by the largest number it has ever seen, in whatever mode."""

    def __init__(self, *, in_place: bool) -> None:
        super().__init__()
        self.layer, self.in_place = nn.Linear(6, 3), in_place
        self.register_buffer("largest", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        h = self.layer(x)
        now = torch.maximum(self.largest, h.abs().max())
        if self.in_place:
            self.largest.copy_(now)
        else:
            self.largest = now
        return h / (1 + self.largest)


class Complex(nn.Module):
    """A layer of complex numbers between real ones."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 4, dtype=torch.cfloat))
        self.last = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last((x.to(self.weight.dtype) @ self.weight).abs())


class Twice(nn.Module):
    """A layer, or a layer and a norm, that everything passes twice."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.layer, self.norm, self.last = nn.Linear(6, 6), norm, nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(2):
            x = torch.relu(self.norm(self.layer(x)))
        return self.last(x)


def mlp(norm: Callable[[int], nn.Module] = lambda _: nn.Identity()) -> nn.Module:
    return nn.Sequential(
        nn.Linear(6, 8), norm(8), nn.ReLU(), nn.Linear(8, 8), norm(8), nn.Tanh()
    ).append(nn.Linear(8, 3))


def mlp_tail() -> nn.Module:
    return nn.Sequential(nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 3))


def of_images(*parts: nn.Module, features: int) -> nn.Module:
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(features, 3))


def merged() -> nn.Module:
    return Forward(
        lambda s, x: s.last(torch.relu(s.norm(s.first(x).view(-1, 4))).view(-1, 8)),
        first=nn.Linear(6, 8),
        norm=nn.BatchNorm1d(4),
        last=nn.Linear(8, 3),
    )


def recurrent(layer: nn.Module, norm: nn.Module) -> nn.Module:
    return Forward(
        lambda s, x: s.last(s.norm(s.layer(x)[0][:, -1])),
        layer=layer,
        norm=norm,
        last=nn.Linear(6, 3),
    )


def attention() -> nn.Module:
    return Forward(
        lambda s, x: s.last(s.attend(x, x, x)[0].flatten(1)),
        attend=nn.MultiheadAttention(6, 2, dropout=0.3, batch_first=True),
        last=nn.Linear(12, 3),
    )


def residual() -> nn.Module:
    return Forward(
        lambda s, x: s.last(s.first(x) + s.norm(torch.relu(s.second(s.first(x))))),
        first=nn.Linear(6, 8),
        second=nn.Linear(8, 8),
        norm=nn.BatchNorm1d(8),
        last=nn.Linear(8, 3),
    )


def tied() -> nn.Module:
    net = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.Linear(6, 3))
    net[2].weight = net[0].weight
    return net


def bound(net: nn.Module) -> nn.Module:
    inner = net.forward
    net.forward = lambda x: inner(x)
    return net


def held_by_function() -> nn.Module:
    net = Forward(lambda s, x: s.called(x), inner=mlp(nn.BatchNorm1d))
    net.called = lambda x: net.inner(x)
    return net


def doubled(net: nn.Module) -> nn.Module:
    net[0].register_forward_hook(lambda *args: 2 * args[2])
    return net


def with_frozen_norm(*, training: bool) -> nn.Module:
    net = nn.Sequential(mlp(nn.BatchNorm1d), nn.BatchNorm1d(3)).train(training)
    net[0][1].eval().requires_grad_(requires_grad=False)
    return net


def entropy_of(part: Any) -> Callable[[Any, Tensor], Tensor]:
    return lambda out, y: functional.cross_entropy(out[part], y)


_UNKNOWN = "takes statistics of the batch in training"
_EACH = ("batch", "full", "recalibrated")
_ALL = (*_EACH, "running")

CASES: dict[str, Case] = {
    "linear": Case(lambda: nn.Linear(6, 3)),
    "mlp": Case(mlp, fast=_ALL),
    "dropout": Case(
        lambda: nn.Sequential(nn.Dropout(), mlp(lambda _: nn.Dropout())), fast=_ALL
    ),
    "prelu": Case(lambda: nn.Sequential(nn.Linear(6, 3), nn.PReLU(3)), fast=_ALL),
    "float64": Case(lambda: mlp(nn.BatchNorm1d).double(), tolerance=1e-11, fast=_ALL),
    "batch norm": Case(lambda: mlp(nn.BatchNorm1d), fast=_ALL),
    "batch norm without gain": Case(
        lambda: mlp(lambda n: nn.BatchNorm1d(n, affine=False)), fast=_ALL
    ),
    "batch norm without averages": Case(
        lambda: mlp(lambda n: nn.BatchNorm1d(n, track_running_stats=False)),
        refused={"running": "stores no running averages"},
        fast=_EACH,
    ),
    "batch norm first": Case(lambda: nn.Sequential(nn.BatchNorm1d(6), mlp())),
    "ghost norm": Case(lambda: mlp(lambda n: GhostBatchNorm(n, chunk=4))),
    "noisy norm": Case(lambda: mlp(NoisyBatchNorm)),
    "layer norm": Case(lambda: mlp(nn.LayerNorm), fast=_ALL),
    "rms norm": Case(lambda: mlp(nn.RMSNorm), fast=_ALL),
    "rms norm of channels": Case(
        lambda: of_images(nn.Conv2d(2, 3, 3), ChannelRMSNorm(3), features=27), "image"
    ),
    "group norm": Case(
        lambda: of_images(
            nn.Conv2d(2, 4, 3, groups=2), nn.GroupNorm(2, 4), features=36
        ),
        "image",
    ),
    "instance norm": Case(
        lambda: of_images(nn.Conv2d(2, 3, 3), nn.InstanceNorm2d(3), features=27),
        "image",
    ),
    "instance norm with averages": Case(
        lambda: of_images(
            nn.Conv1d(2, 3, 3),
            nn.InstanceNorm1d(3, track_running_stats=True),
            features=12,
        ),
        "row",
        refused={"recalibrated": "cannot re-estimate"},
    ),
    "norm by hand": Case(lambda: mlp(Own), fast=("running",)),
    "norm by hand, other names": Case(
        lambda: mlp(Moving),
        norms=nothing,
        refused=dict.fromkeys(_EACH, _UNKNOWN),
        fast=("running",),
    ),
    "norm by hand, attributes": Case(
        lambda: mlp(Attributes),
        norms=nothing,
        refused=dict.fromkeys(_EACH, _UNKNOWN),
        fast=("running",),
    ),
    "norm by hand, gradient mode": Case(
        lambda: mlp(Recording),
        norms=nothing,
        refused=dict.fromkeys(_EACH, _UNKNOWN),
        fast=("running",),
    ),
    "norm as a function": Case(
        Functional,
        norms=nothing,
        refused=dict.fromkeys(_EACH, _UNKNOWN),
        fast=("running",),
    ),
    "norm that blends": Case(
        lambda: mlp(Blend),
        refused=dict.fromkeys(_EACH, "is not to normalise by its batch alone"),
    ),
    "fixed norm": Case(
        lambda: of_images(nn.Conv2d(2, 3, 3), Fixed(3), features=27), "image"
    ),
    "norm frozen in training": Case(
        lambda: with_frozen_norm(training=True),
        norms=lambda net: [net[0][4], net[1]],
        fast=_ALL,
    ),
    "norm frozen, all in eval mode": Case(
        lambda: with_frozen_norm(training=False),
        norms=lambda net: [net[0][4], net[1]],
        fast=_ALL,
    ),
    "layer norm as a function": Case(
        lambda: Forward(
            lambda s, x: s.last(functional.layer_norm(s.first(x), (8,))),
            first=nn.Linear(6, 8),
            last=nn.Linear(8, 3),
        ),
    ),
    "mean over the batch": Case(
        lambda: Forward(
            lambda s, x: s.last(torch.relu(s.first(x) - s.first(x).mean(0))),
            first=nn.Linear(6, 8),
            last=nn.Linear(8, 3),
        ),
        interacts=True,
    ),
    "merged axes": Case(merged),
    "convolution 1d": Case(
        lambda: of_images(
            nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.ReLU(), features=12
        ),
        "row",
    ),
    "convolution 2d": Case(
        lambda: of_images(
            nn.Conv2d(2, 3, 2),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            features=12,
        ),
        "image",
    ),
    "convolution 3d": Case(
        lambda: of_images(nn.Conv3d(2, 2, 2), nn.BatchNorm3d(2), features=16), "volume"
    ),
    "transposed convolution": Case(
        lambda: of_images(
            nn.ConvTranspose2d(2, 4, 2, groups=2), nn.BatchNorm2d(4), features=144
        ),
        "image",
    ),
    "embedding": Case(
        lambda: of_images(nn.Embedding(11, 4), nn.ReLU(), features=20), "tokens"
    ),
    "embedding that writes": Case(
        lambda: of_images(nn.Embedding(11, 4, max_norm=1.0), features=20), "tokens"
    ),
    "bag of embeddings": Case(
        lambda: nn.Sequential(nn.EmbeddingBag(11, 6), mlp(nn.BatchNorm1d)), "tokens"
    ),
    "lstm": Case(
        lambda: recurrent(nn.LSTM(6, 6, batch_first=True), nn.BatchNorm1d(6)), "row"
    ),
    "gru": Case(
        lambda: recurrent(
            nn.GRU(6, 6, 2, batch_first=True, dropout=0.3), nn.Identity()
        ),
        "row",
    ),
    "attention": Case(attention, "row"),
    "transformer": Case(
        lambda: of_images(
            nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), features=12
        ),
        "row",
    ),
    "residual": Case(residual),
    "nested": Case(
        lambda: nn.Sequential(nn.Sequential(mlp(nn.BatchNorm1d), nn.Identity())),
        fast=_ALL,
    ),
    "in a wrapper": Case(lambda: nn.DataParallel(mlp(nn.BatchNorm1d))),
    "shared layer": Case(lambda: Twice(nn.Identity())),
    "shared norm": Case(lambda: Twice(nn.BatchNorm1d(6))),
    "tied weights": Case(tied),
    "weight norm": Case(
        lambda: nn.Sequential(
            parametrizations.weight_norm(nn.Linear(6, 8)), mlp_tail()
        ),
    ),
    "spectral norm": Case(
        lambda: nn.Sequential(
            parametrizations.spectral_norm(nn.Linear(6, 8)), mlp_tail()
        ),
    ),
    "bilinear": Case(
        lambda: Forward(
            lambda s, x: s.layer(x, x) + s.other(x),
            layer=nn.Bilinear(6, 6, 3),
            other=nn.Linear(6, 3),
        ),
    ),
    "complex": Case(Complex),
    "bfloat16": Case(lambda: mlp().bfloat16(), tolerance=3e-2),
    "float16": Case(lambda: mlp(nn.LayerNorm).half(), tolerance=3e-3),
    "memory, written": Case(lambda: Largest(in_place=True), interacts=True),
    "memory, replaced": Case(lambda: Largest(in_place=False), interacts=True),
    "outputs in a dict": Case(
        lambda: Forward(lambda s, x: {"out": s.net(x)}, net=mlp(nn.BatchNorm1d)),
        loss=entropy_of("out"),
    ),
    "outputs in a tuple": Case(
        lambda: Forward(lambda s, x: (x, s.net(x)), net=mlp(nn.BatchNorm1d)),
        loss=entropy_of(1),
    ),
    "two inputs": Case(
        lambda: Forward(
            lambda s, x, z: s.last(s.norm(torch.cat([x, z], 1))),
            norm=nn.BatchNorm1d(8),
            last=nn.Linear(8, 3),
        ),
        "two",
    ),
    "named inputs": Case(
        lambda: Forward(
            lambda s, z, x: s.last(torch.cat([x, z], 1)), last=nn.Linear(8, 3)
        ),
        "named",
    ),
    "looks at its values": Case(
        lambda: Forward(
            lambda s, x: s.net(x) if bool(x.sum() < 1e9) else x, net=mlp(nn.BatchNorm1d)
        )
    ),
    "with a hook": Case(lambda: doubled(mlp(nn.BatchNorm1d))),
    "bound to itself": Case(lambda: bound(mlp(nn.BatchNorm1d))),
    "held by a function": Case(held_by_function),
}
