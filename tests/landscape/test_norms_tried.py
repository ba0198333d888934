"""A norm is tried: its surface is what training sees, or it is refused in one line."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, cross_entropy

import normlab
from normlab.base.streams import seeded
from normlab.errors import BadModel

WIDTH = 16


class Blend(nn.BatchNorm1d):
    """Shifts by its running mean while training, not where it has none."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        if not self.training or self.running_mean is None:
            return super().forward(input)
        kept = self.running_mean.clone()
        return super().forward(input) + input.mean(0).detach() - kept


class Renorm(nn.BatchNorm1d):
    """Batch renormalization, Ioffe 2017: in value it is eval mode, where unclipped."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        if not self.training or self.running_mean is None:
            return super().forward(input)
        assert self.running_var is not None
        mean, var = input.mean(0), input.var(0, unbiased=False)
        deviation = (var + self.eps).sqrt()
        kept = (self.running_var + self.eps).sqrt()
        r = (deviation / kept).clamp(1 / 3, 3).detach()
        d = ((mean - self.running_mean) / kept).clamp(-5, 5).detach()
        with torch.no_grad():
            self.running_mean.lerp_(mean, 0.1)
            self.running_var.lerp_(var, 0.1)
        return ((input - mean) / deviation * r + d) * self.weight + self.bias


class WarmedUp(Renorm):
    """Batch norm for its first hundred steps, by a buffer that counts them."""

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        if self.training:
            self.seen += 1
        if self.seen < 100:
            return nn.BatchNorm1d.forward(self, input)
        return super().forward(input)


class Counted(nn.BatchNorm1d):
    """Freezes itself after some calls that a plain attribute counts."""

    calls = 0

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        self.calls += self.training
        if self.calls < 1000 or self.running_mean is None:
            return super().forward(input)
        return batch_norm(input, self.running_mean, self.running_var)


class Delayed(nn.BatchNorm1d):
    """Takes away a running average of its own, zero at first."""

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.register_buffer("own", torch.zeros(features))

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        normal = super().forward(input)
        if self.training:
            normal = normal - self.own
            self.own.lerp_(input.mean(0).detach(), 0.1)
        return normal


class Chunks(nn.BatchNorm1d):
    """Cuts batches of more than 16, and only where it trains."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        if not self.training:
            return super().forward(input)
        parts = [super(Chunks, self).forward(part) for part in input.split(16)]
        return torch.cat(parts)


class ByGradient(nn.BatchNorm1d):
    """Tells training by whether operations are recorded."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return super().forward(input) * (2 if torch.is_grad_enabled() else 1)


class Halved(nn.BatchNorm1d):
    """Another forward in eval mode alone."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return super().forward(input) * (1 if self.training else 0.5)


class Streaming(nn.Module):
    """No batch norm of torch's: normalises by averages that it has just moved."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        mean, var = self.get_buffer("running_mean"), self.get_buffer("running_var")
        if self.training:
            mean.lerp_(x.mean(0).detach(), 0.5)
            var.lerp_(x.var(0).detach(), 0.5)
        return (x - mean) / (var + 1e-5).sqrt()


class Plain(nn.Module):
    """No batch norm of torch's, and it does what torch's does."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        return batch_norm(
            x, self.running_mean, self.running_var, training=self.training
        )


class Scaled(nn.BatchNorm1d):
    """A constant of its own is nothing that training changes."""

    def __init__(self, features: int) -> None:
        super().__init__(features, momentum=None)
        self.register_buffer("factor", torch.tensor(2.0))

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return super().forward(input) * self.factor


def doubled(features: int) -> nn.Module:
    """Torch's own class, with a hook that acts in training."""
    norm = nn.BatchNorm1d(features)
    norm.register_forward_hook(lambda m, _, out: out * 2 if m.training else out)
    return norm


REFUSED = [
    *(Blend, Renorm, WarmedUp, Counted, Delayed, Chunks, ByGradient, Halved),
    *(Streaming, doubled),
]
MEASURED = [nn.BatchNorm1d, Plain, Scaled]


def trained(make, steps: int):
    with seeded("norms tried"):
        return _trained(make, steps)


def _trained(make, steps: int):
    layers = nn.Linear(6, WIDTH), make(WIDTH), nn.ReLU(), nn.Linear(WIDTH, 2)
    net = nn.Sequential(*layers).train()
    x = torch.randn(64, 6) + 1
    for _ in range(steps):
        net(x + torch.randn(()))
    return net, x, (x.sum(1) > 6).long()


@pytest.mark.parametrize("steps", [0, 5, 150])
@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_what_no_statistics_express_is_refused(make, steps):
    net, x, y = trained(make, steps)
    with pytest.raises(BadModel, match=r"^statistics='batch': what '1' .* does in"):
        normlab.surface(net, (x, y), points=3, exact=True)


@pytest.mark.parametrize("steps", [0, 5, 150])
@pytest.mark.parametrize("make", MEASURED, ids=lambda make: make.__name__)
def test_the_centre_of_a_surface_is_the_loss_that_training_sees(make, steps):
    net, x, y = trained(make, steps)
    seen = cross_entropy(copy.deepcopy(net)(x), y).item()
    found = normlab.surface(net, (x, y), points=3, exact=True).loss[1, 1]
    assert found == pytest.approx(seen, abs=1e-5)
