"""Which axis of what flows through a network holds the units."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

_Kinds = tuple[type[nn.Module], ...]

# (n, units, *positions)
_FIRST: _Kinds = (
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
)
# (n, *positions, units)
_LAST: _Kinds = (nn.Linear, nn.Bilinear, nn.Embedding)


class UnitAxes:
    """Follows one pass through a network, module by module.

    A layer's kind says where its units are. What enters another module is either that
    layer's output itself; or something computed from it by functions, which may have
    turned it: then the axis that has as many entries as the layer has units, if there
    is only one. If there are several, the first, if every layer so far kept its units
    there. Else the axis cannot be told, and is not guessed.

    Example:
        >>> import torch
        >>> axes, layer, x = UnitAxes(), nn.Linear(5, 4), torch.zeros(2, 3, 5)
        >>> axes.enters(layer, x)
        2
        >>> axes.leaves(layer, layer(x))
        >>> turned, square = torch.zeros(2, 4, 3), torch.zeros(2, 4, 4)
        >>> axes.enters(nn.ReLU(), turned), axes.enters(nn.ReLU(), square)
        (1, None)
    """

    def __init__(self) -> None:
        self._inside: list[tuple[Any, int | None]] = []  # what entered, and its axis
        self._known: list[tuple[Tensor, int]] = []  # kept, so that no id is used twice
        self._latest: int | None = None  # units of the last layer, if they are known
        self._all_first = True

    def enters(self, module: nn.Module, entering: Any) -> int | None:
        """The axis that `module` takes as units, else that of what enters it."""
        axis = _axis_of(module, entering) or self._axis(entering)
        self._inside.append((entering, axis))
        return axis

    def leaves(self, module: nn.Module, leaving: Any) -> None:
        """Note where the units of what leaves `module` are."""
        entered, axis_before = self._inside.pop()
        axis = _axis_of(module, leaving)
        if axis is None:
            if not _computes(module):
                return  # its layers have spoken, or it has none
            if _shape(leaving) == _shape(entered):
                axis = axis_before
        self._latest = None if axis is None else leaving.shape[axis]
        self._all_first &= axis == 1
        if axis is not None:
            self._known.append((leaving, axis))

    def _axis(self, flowing: Any) -> int | None:
        shape = _shape(flowing)
        if len(shape) <= 2:
            return 1 if len(shape) == 2 else None
        for made, axis in reversed(self._known):
            if made is flowing:
                return axis
        fitting = [i for i in range(1, len(shape)) if shape[i] == self._latest]
        if len(fitting) == 1:
            return fitting[0]
        ours = (
            bool(fitting) if self._known else len(shape) > 3
        )  # an image, as torch has it
        return 1 if ours and self._all_first else None


def _axis_of(module: nn.Module, flowing: Any) -> int | None:
    last = len(_shape(flowing)) - 1
    if last < 1:
        return None
    if isinstance(module, _FIRST):
        return 1
    if isinstance(module, _LAST):
        return last
    if isinstance(module, nn.LayerNorm | nn.RMSNorm) and _of_one_axis(module):
        return last
    return None


def _of_one_axis(norm: nn.LayerNorm | nn.RMSNorm) -> bool:
    return len(norm.normalized_shape) == 1


def _shape(flowing: Any) -> tuple[int, ...]:
    return tuple(flowing.shape) if isinstance(flowing, Tensor) else ()


def _computes(module: nn.Module) -> bool:
    """Whether it is a layer of a kind that is not known."""
    own = next(module.parameters(recurse=False), None) is not None
    inside = any(isinstance(child, (*_FIRST, *_LAST)) for child in module.modules())
    return own and (not inside or isinstance(module, nn.MultiheadAttention))
