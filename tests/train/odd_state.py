"""Networks and optimizers that remember more than parameters and buffers."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from normlab.base.streams import seeded

MODES = {"calls": 0}


class Odd(nn.Module):
    """A small network whose output depends on what it remembers."""

    def __init__(self) -> None:
        super().__init__()
        with seeded(3, "odd"):
            self.f = nn.Sequential(
                nn.Flatten(), nn.Linear(144, 8), nn.BatchNorm1d(8), nn.ReLU()
            )
            self.out = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.f(x)) * self.factor(x)

    def factor(self, x: Tensor) -> Any:
        raise NotImplementedError


class Plain(Odd):
    def factor(self, x: Tensor) -> float:
        return 1.0


class Counter(Odd):
    steps = 0

    def factor(self, x: Tensor) -> float:
        self.steps += 1  # in eval mode too
        return min(1.0, self.steps / 20)


class Underscored(Odd):
    _seen: float | None = None

    def factor(self, x: Tensor) -> float:
        self._seen = 0.9 * (self._seen or 0.0) + float(x.mean())
        return 1 + 0.01 * self._seen


class Hidden(Odd):
    """A state that is carried over from batch to batch, as of a recurrent network."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Tensor | None = None

    def factor(self, x: Tensor) -> Tensor:
        now = x.detach().mean().reshape(1)
        self.state = now if self.state is None else 0.9 * self.state + 0.1 * now
        return 1 + self.state.sum()


class InPlace(Odd):
    def __init__(self) -> None:
        super().__init__()
        self.seen = [torch.zeros(3), {"count": torch.zeros((), dtype=torch.int64)}]

    def factor(self, x: Tensor) -> Tensor:
        self.seen[0].mul_(0.5).add_(x.detach().std())
        self.seen[1]["count"] += 1  # type: ignore[call-overload]
        return 1 + self.seen[0].mean() + 0.01 * self.seen[1]["count"]  # type: ignore


class Records(Odd):
    def __init__(self) -> None:
        super().__init__()
        self.past: deque[float] = deque(maxlen=5)
        self.all: list[tuple[int, complex]] = []
        self.kinds: set[int] = set()

    def factor(self, x: Tensor) -> float:
        self.past.append(float(x.mean()))
        self.all.append((len(x), complex(1, len(self.all))))
        self.kinds.add(len(self.all) % 7)
        return 1 + sum(self.past) / 50 + len(self.kinds) / 100


class Arrays(Odd):
    def __init__(self) -> None:
        super().__init__()
        self.sums, self.last = np.zeros(3), np.float32(0)

    def factor(self, x: Tensor) -> float:
        self.sums[1] += float(x.mean())
        self.last = np.float32(0.5) * self.last + np.float32(1)
        return 1 + 0.01 * float(self.sums.sum() + self.last)


class Draws(Odd):
    """A generator of each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.torch = torch.Generator().manual_seed(1)
        self.numpy = np.random.default_rng(2)
        self.twister = np.random.Generator(np.random.MT19937(3))
        self.old = np.random.RandomState(4)
        self.python = random.Random(5)

    def factor(self, x: Tensor) -> float:
        drawn = float(torch.rand((), generator=self.torch)) + self.numpy.random()
        drawn += self.twister.random() + self.old.rand() + self.python.random()
        return 1 + drawn / 10


class Passing(Odd):
    """A buffer that no state_dict has."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("level", torch.zeros(()), persistent=False)

    def factor(self, x: Tensor) -> Tensor:
        self.level = 0.9 * self.level + 0.1 * x.detach().abs().mean()
        return 1 + self.level


class Freezes(Odd):
    """A batch norm that is put into eval mode after some steps."""

    left = 12

    def factor(self, x: Tensor) -> float:
        if self.training:
            self.left -= 1
            if self.left <= 0:
                self.f[2].eval()
        return 1.0


@dataclass
class Average:
    total: float = 0.0
    weights: Tensor | None = None

    def add(self, value: float) -> float:
        self.total += value
        self.weights = torch.tensor([self.total, value])
        return float(self.weights.sum())


class Slotted:
    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Objects(Odd):
    def __init__(self) -> None:
        super().__init__()
        self.average, self.slotted = Average(), Slotted()

    def factor(self, x: Tensor) -> float:
        self.slotted.count += 1
        return 1 + 0.01 * self.average.add(1.0) + 0.01 * self.slotted.count


class Grows(Odd):
    """An attribute that is not there at first, and one that moves late."""

    def factor(self, x: Tensor) -> float:
        if not hasattr(self, "first"):
            self.first = float(x.mean())
        return 1 + 0.1 * self.first


KEPT: list[type[Odd]] = [
    Counter, Underscored, Hidden, InPlace, Records, Arrays, Draws, Passing, Freezes,
    Objects, Grows,
]  # fmt: skip
"""Whose memory goes into checkpoints."""


class OfTheClass(Odd):
    count = 0

    def factor(self, x: Tensor) -> float:
        OfTheClass.count += 1
        return 1 + 0.01 * OfTheClass.count


class Global(Odd):
    def factor(self, x: Tensor) -> float:
        MODES["calls"] += 1
        return 1 + 0.01 * MODES["calls"]


def closing() -> Odd:
    count = 0

    class Closing(Odd):
        def factor(self, x: Tensor) -> float:
            nonlocal count
            count += 1
            return 1 + 0.01 * count

    return Closing()


def bound() -> Odd:
    """The forward of the object itself is replaced, as decorators do."""
    model, calls = Counter(), [0]
    inner = model.forward

    def forward(x: Tensor) -> Tensor:
        calls[0] += 1
        return inner(x) * (1 + 0.01 * calls[0])

    model.forward = forward
    return model


class Unregistered(Odd):
    """A norm that hides from its module in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [nn.BatchNorm1d(1)]

    def factor(self, x: Tensor) -> Tensor:
        self.hidden[0](x.detach().flatten(1).mean(1, keepdim=True))
        return 1 + self.hidden[0].running_mean.sum()  # type: ignore[union-attr]


def hooked() -> Odd:
    """What a hook of a part of it closes over."""
    model, calls = Plain(), [0]

    def warm(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        calls[0] += 1
        return output * min(1.0, calls[0] / 20)

    model.out.register_forward_hook(warm)
    return model


LOST: dict[str, Callable[[], Odd]] = {
    r"class OfTheClass\.count": OfTheClass,
    r"class Global\.factor, variable MODES": Global,
    r"class Closing\.factor, variable count": closing,
    r"forward, variable calls": bound,
    r"hidden\[0\]": Unregistered,
    r"out, hook warm, variable calls": hooked,
}
"""Whose memory cannot be kept, by how it is named."""


def remembered() -> int:
    MODES["asked"] = MODES.get("asked", 0) + 1
    return MODES["asked"]


def asked() -> int:
    return MODES.get("asked", 0)


class Asks(Odd):
    """A function that it calls remembers."""

    def factor(self, x: Tensor) -> float:
        return 1 + 0.01 * remembered()


class OnlyEvaluating(Odd):
    def factor(self, x: Tensor) -> float:
        return 1 + 0.01 * (remembered() if not self.training else asked())


class Unseeded(Odd):
    def factor(self, x: Tensor) -> float:
        return 1 + 0.01 * np.random.default_rng().random()


class Clock(Odd):
    def factor(self, x: Tensor) -> float:
        return 1 + time.perf_counter() % 1


def of_the_gradient() -> Odd:
    model, calls = Plain(), [0]

    def weaker(gradient: Tensor) -> Tensor:
        calls[0] += 1
        return gradient / calls[0]

    model.out.weight.register_hook(weaker)
    return model


UNFOUND: list[Callable[[], Odd]] = [
    Asks, OnlyEvaluating, Unseeded, Clock, of_the_gradient,
]  # fmt: skip
"""Whose memory hangs on nothing that is looked through."""


class Iterates(Odd):
    """Where an iterator stands, nobody can see."""

    def __init__(self) -> None:
        super().__init__()
        self.noise = iter(range(10**6))

    def factor(self, x: Tensor) -> float:
        return 1 + 0.01 * next(self.noise)


class Looks(Odd):
    """Masks that are made once for each size, on the class and globally."""

    known: ClassVar[dict[int, Tensor]] = {}

    def factor(self, x: Tensor) -> Tensor:
        size = x.shape[-1]
        if size not in Looks.known:
            Looks.known[size] = torch.ones(1)
            MODES[f"size {size}"] = size
        return Looks.known[size]


class Lookahead(torch.optim.Optimizer):
    """k steps forward, one step back: Zhang et al. 2019, arXiv 1907.08610."""

    def __init__(self, parameters: Any, lr: float, k: int = 5) -> None:
        self.fast = torch.optim.Adam(parameters, lr=lr)
        super().__init__(self.fast.param_groups, {})
        self.param_groups = self.fast.param_groups
        self.k, self.count = k, 0
        self.slow = [
            [p.detach().clone() for p in g["params"]] for g in self.param_groups
        ]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        self.fast.step()
        self.count += 1
        if self.count % self.k:
            return
        for group, slow in zip(self.param_groups, self.slow, strict=True):
            for parameter, one in zip(group["params"], slow, strict=True):
                one.lerp_(parameter, 0.5)
                parameter.copy_(one)


class Langevin(torch.optim.SGD):
    """Noise from a generator of its own."""

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, lr=lr)
        self.noise = torch.Generator().manual_seed(7)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        super().step()
        for parameter in self.param_groups[0]["params"]:
            draw = torch.randn(parameter.shape, generator=self.noise)
            parameter.add_(draw, alpha=1e-3)


class InGroups(torch.optim.SGD):
    """A counter in the groups, a history in the state."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        super().step()
        for group in self.param_groups:
            group["count"] = group.get("count", 0) + 1
            for parameter in group["params"]:
                past = self.state[parameter].setdefault("past", [])
                past.append(parameter.detach().abs().mean())
                parameter.mul_(1 - 1e-3 * torch.stack(past[-3:]).mean())
                parameter.mul_(1 - 1e-4 * group["count"])


class Scheduled(torch.optim.SGD):
    """A schedule inside of the optimizer."""

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, lr=lr, momentum=0.9)
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(self, 0.95)

    def step(self, closure: Any = None) -> None:
        super().step()
        self.schedule.step()


def in_groups(parameters: Any, lr: float) -> torch.optim.Optimizer:
    given = list(parameters)
    head, body = given[-2:], given[:-2]
    groups = [{"params": body, "lr": lr}, {"params": head, "lr": 10 * lr}]
    return torch.optim.AdamW(groups, lr=lr)


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "Adam": torch.optim.Adam,
    "Lookahead": Lookahead,
    "Langevin": Langevin,
    "InGroups": InGroups,
    "Scheduled": Scheduled,
    "in_groups": in_groups,
    "Adagrad": torch.optim.Adagrad,
    "RMSprop": torch.optim.RMSprop,
    "NAdam": torch.optim.NAdam,
    "ASGD": torch.optim.ASGD,
    "Rprop": torch.optim.Rprop,
}
