"""The parameters of a model as one point, and arithmetic with points."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor, nn

from normlab.errors import BadModel


@dataclass(frozen=True)
class Block:
    """Where one parameter of the model lies in the point."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of its values."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Point:
    """A place, or a direction, in the space of some parameters of a model.

    Points do not change: arithmetic gives new ones, and one taken from a model
    does not follow it. They add only to points of the same parameters.

    Attributes:
        flat: All values, of shape `(size,)`.
        blocks: Which parameter owns which stretch of `flat`, in order.

    Example:
        >>> net = nn.Linear(2, 1, bias=False)
        >>> here = Point.of(net)
        >>> (here + 0.5 * (3 * here - here)).write_into_(net)
        >>> bool(torch.allclose(Point.of(net).flat, 2 * here.flat))
        True
    """

    flat: Tensor
    blocks: tuple[Block, ...]

    @classmethod
    def of(cls, model: nn.Module, names: Iterable[str] | None = None) -> Point:
        """Where `model` is now.

        Args:
            model: Tied parameters count once.
            names: Parameters to take, in this order; all if not given.

        Raises:
            BadModel: If the model has no parameter of such a name.
        """
        found = dict(model.named_parameters())
        chosen = list(found) if names is None else list(names)
        tensors = [_parameter(found, name).detach() for name in chosen]
        blocks = (
            Block(n, tuple(t.shape)) for n, t in zip(chosen, tensors, strict=True)
        )
        return cls(torch.cat([t.reshape(-1) for t in tensors]), tuple(blocks))

    def write_into_(self, model: nn.Module) -> None:
        """Move `model` here, in place; its other parameters stay.

        Raises:
            BadModel: If the model lacks a parameter, or it has another shape.
        """
        found = dict(model.named_parameters())
        with torch.no_grad():
            for name, values in self.tensors().items():
                parameter = _parameter(found, name)
                if parameter.shape != values.shape:
                    raise BadModel(
                        f"parameter '{name}' has shape {tuple(parameter.shape)} in "
                        f"the model and {tuple(values.shape)} in the point."
                    )
                parameter.copy_(values)

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter by name; views of `flat`."""
        parts = self.flat.split([block.size for block in self.blocks])
        pairs = zip(self.blocks, parts, strict=True)
        return {block.name: part.view(block.shape) for block, part in pairs}

    def gaussian_like(self, stream: torch.Generator) -> Point:
        """A direction of independent standard normal numbers.

        Args:
            stream: From `base.streams.stream`; the numbers are the same on every
                device.
        """
        drawn = torch.randn(len(self.flat), generator=stream, dtype=self.flat.dtype)
        return replace(self, flat=drawn.to(self.flat.device))

    def filter_norms(self) -> dict[str, Tensor]:
        """Length of every filter, the weights that one output is computed with.

        Returns:
            Of each parameter with two or more axes one norm per index of the first,
            of shape `(outputs,)` (a transposed convolution has its inputs there); of
            vectors (biases, a norm's parameters) one norm
            of shape `(1,)`, for their entries are no filters.
        """
        return {
            name: values.reshape(len(values) if values.dim() > 1 else 1, -1).norm(dim=1)
            for name, values in self.tensors().items()
        }

    def scaled(self, factors: dict[str, Tensor]) -> Point:
        """Stretch every filter by a factor of its own.

        Args:
            factors: Shaped like the result of `filter_norms`.
        """
        parts = [
            (values.reshape(len(factors[name]), -1) * factors[name][:, None]).view(-1)
            for name, values in self.tensors().items()
        ]
        return replace(self, flat=torch.cat(parts))

    def norm(self) -> float:
        """Euclidean length, summed in float64."""
        return self.flat.double().norm().item()

    def dot(self, other: Point) -> float:
        """Inner product, summed in float64.

        Raises:
            BadModel: If the other point is one of other parameters.
        """
        return self._with(other, lambda a, b: a.double() @ b.double()).flat.item()

    def __add__(self, other: Point) -> Point:
        return self._with(other, torch.add)

    def __sub__(self, other: Point) -> Point:
        return self._with(other, torch.sub)

    def __mul__(self, factor: float) -> Point:
        return replace(self, flat=self.flat * factor)

    __rmul__ = __mul__

    def _with(self, other: Point, combine: Callable[[Tensor, Tensor], Tensor]) -> Point:
        if self.blocks != other.blocks:
            raise BadModel(
                "two points of different parameters cannot be combined: take both "
                "with the same names."
            )
        return replace(self, flat=combine(self.flat, other.flat))


def _parameter(found: dict[str, nn.Parameter], name: str) -> nn.Parameter:
    if name not in found:
        raise BadModel(
            f"the model has no parameter '{name}'. It has: {', '.join(found)}."
        )
    return found[name]
