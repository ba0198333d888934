"""Small networks of the kinds that spanning a plane has trouble with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from normlab.base.streams import seeded, stream


class Spectral(nn.Module):
    """Complex weights between real ones."""

    def __init__(self) -> None:
        super().__init__()
        self.lift = nn.Linear(6, 8)
        self.spectrum = nn.Parameter(torch.randn(5, 3, dtype=torch.complex64))
        self.last = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        bent = torch.fft.rfft(self.lift(x)) * self.spectrum.sum(1)
        return self.last(torch.fft.irfft(bent, n=8))


class Tied(nn.Module):
    """One tensor under two names, and a buffer that changes."""

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Linear(6, 6, bias=False)
        self.norm = nn.BatchNorm1d(6)
        self.back = nn.Linear(6, 6, bias=False)
        self.back.weight = self.into.weight
        self.out = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.back(torch.tanh(self.norm(self.into(x)))))


class Around(nn.Module):
    """What Lightning does: the network is a part called `model`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


KINDS = {"plain": plain, "complex": Spectral, "tied": Tied}


def made(kind: str, seed: int) -> nn.Module:
    """A network of this kind that has seen data, in eval mode."""
    with seeded(seed, "init"):
        model = KINDS[kind]()
    with torch.no_grad():
        model.train()(torch.randn(50, 6, generator=stream(seed, "seen")) + seed)
    return model.eval()


def data(examples: int = 96) -> tuple[Tensor, Tensor]:
    g = stream(2, "data")
    x = torch.randn(examples, 6, generator=g)
    return x, torch.randint(0, 3, (examples,), generator=g)


def vector(model: nn.Module) -> np.ndarray:
    """All parameters of a network in a row, complex ones as two; by NumPy alone."""
    rows = []
    for parameter in model.parameters():
        array = parameter.detach().numpy()
        parts = (array.real, array.imag) if np.iscomplexobj(array) else (array,)
        rows += [part.astype(np.float64).ravel() for part in parts]
    return np.concatenate(rows)


def naive_loss(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Mean cross-entropy in eval mode, example by example in float64."""
    with torch.no_grad():
        outputs = model.eval()(x).double().numpy()
    losses = [
        np.log(np.exp(row - row.max()).sum()) + row.max() - row[label]
        for row, label in zip(outputs, y.numpy(), strict=True)
    ]
    return float(np.mean(losses))
