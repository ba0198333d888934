"""Lists of tensors as one vector each: lengths, angles, moves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from normlab.base.reals import real

Vector = Sequence[Tensor]


def parameters_called(model: nn.Module, names: Iterable[str]) -> list[nn.Parameter]:
    """The parameters of these names, in this order."""
    found = dict(model.named_parameters())
    return [found[name] for name in names]


def copies(parameters: Iterable[Tensor]) -> list[Tensor]:
    """What they are now, apart from what they will be."""
    return [p.detach().clone() for p in parameters]


def norm(vector: Vector) -> float:
    """Euclidean length; the tensors' own lengths are added in float64."""
    return math.hypot(*(torch.linalg.vector_norm(real(t)).item() for t in vector))


def dots(a: Vector, b: Vector) -> list[float]:
    """Inner product of every tensor with its counterpart."""
    return [
        torch.dot(real(x).reshape(-1), real(y).reshape(-1)).item()
        for x, y in zip(a, b, strict=True)
    ]


def cosine(dot: float, *norms: float) -> float:
    """Of the angle between two vectors; nan if one of them has no length.

    Example:
        >>> cosine(3.0, 2.0, 3.0)
        0.5
    """
    product = math.prod(norms)
    return dot / product if product else math.nan


def difference(a: Vector, b: Vector) -> list[Tensor]:
    """`a` minus `b`."""
    return [x - y for x, y in zip(a, b, strict=True)]


def scaled(vector: Vector, factors: Vector) -> list[Tensor]:
    """Each number times a factor of its own; of complex ones their parts."""
    return [real(x) * by for x, by in zip(vector, factors, strict=True)]


def in_lengths(vector: Vector, lengths: Vector) -> list[Tensor]:
    """Each number over a length of its own; 0 where that is 0."""
    whole = [_once(long) for long in lengths]
    divisors = [torch.where(long > 0, long, torch.inf) for long in whole]
    return [real(x) / by for x, by in zip(vector, divisors, strict=True)]


def geometric_mean(vector: Vector) -> float:
    """Over all numbers above 0; nan if there are none.

    Example:
        >>> round(geometric_mean([torch.tensor([1.0, 0.0]), torch.tensor([4.0])]), 6)
        2.0
    """
    logs = numbers = 0.0
    for x in vector:
        once = _once(x)
        above = once[once > 0]  # counted as often as they stand there
        repeats = x.numel() / max(once.numel(), 1)
        logs += repeats * above.log().double().sum().item()
        numbers += repeats * above.numel()
    return math.exp(ratio(logs, numbers))


def _once(x: Tensor) -> Tensor:
    """Of an expanded tensor every number once; its expanded axes have length 1."""
    return x[tuple(slice(None if step else 1) for step in x.stride())]


def place_(
    parameters: Sequence[Tensor], origin: Vector, direction: Vector, length: float
) -> None:
    """Move parameters to `origin` plus `length` times `direction`, in place."""
    for moved, start, step in zip(parameters, origin, direction, strict=True):
        torch.add(start, step, alpha=length, out=moved.data)


def ratio(numerator: float, denominator: float) -> float:
    """A quotient; nan where there is nothing to divide by."""
    return numerator / denominator if denominator else math.nan
