"""Which axis of what flows through a network holds the units."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from normlab.norms.recognize import has_units_second, normalized_shape

_aten = torch.ops.aten

# Every product with a weight makes units: of these operations along the last axis ...
_MAKE_LAST = {_aten.mm, _aten.addmm, _aten.linear, _aten.embedding}
# ... and of these along the second, where some norms take them to be as well.
_MAKE_SECOND = {_aten.convolution, _aten._convolution, _aten.native_batch_norm}
_MAKE_SECOND |= {_aten.native_group_norm, _aten._native_batch_norm_legit}
# These compute each place from the same place, or from its neighbours in positions.
_KEEP = {_aten.clone, _aten.detach, _aten.alias, _aten._to_copy, _aten.copy_}
_KEEP |= {_aten.expand, _aten.index, _aten.index_select, _aten.flip, _aten.roll}
_KEEP |= {_aten.bernoulli, _aten.bernoulli_, _aten.cumsum, _aten._fused_rms_norm}
_KEPT_BY = ("max_pool", "avg_pool", "adaptive_", "upsample_", "softmax", "log_softmax")
_KEPT_BY += ("reflection_pad", "replication_pad", "native_", "cudnn_batch_norm")
# These leave some of the units, or bring more, on the axis where they are.
_CUT = {_aten.cat, _aten.slice, _aten.split, _aten.split_with_sizes, _aten.narrow}
_CUT |= {_aten.unsafe_split, _aten.unsafe_chunk, _aten.glu, _aten.constant_pad_nd}


class UnitAxes(TorchDispatchMode):
    """Follows the units through everything that is computed inside its block.

    Linear layers make units along the last axis, convolutions along the second,
    whether by modules or by functions. From there they are followed operation by
    operation: transposed, viewed in another shape, put together, cut, averaged over
    positions. Any other operation ends the trail; nothing is guessed.

    Example:
        >>> x = torch.zeros(2, 3, 3)
        >>> with UnitAxes() as axes:
        ...     y = nn.functional.linear(x, torch.zeros(3, 3))
        ...     turned, flat = y.transpose(1, 2) + 1, y.reshape(6, 3)
        >>> axes.of(x), axes.of(y), axes.of(turned), axes.of(flat)
        (None, 2, 1, 1)
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # it would be imported for that, which takes a second

    def __init__(self) -> None:
        super().__init__()
        # with the tensors, so that no id is used twice
        self._known: dict[int, tuple[Tensor, int | None]] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute as ever, then note where the units of the results are."""
        result = func(*args, **(kwargs or {}))
        for made in _tensors(result):
            self._known[id(made)] = made, self._axis(func, args, made)
        return result

    def of(self, flowing: Any) -> int | None:
        """The axis of units, if it can be told; of vectors the second."""
        if not isinstance(flowing, Tensor) or flowing.dim() < 2:
            return None
        if flowing.dim() == 2:
            return 1
        return self._known.get(id(flowing), (flowing, None))[1]

    def at(self, module: nn.Module, entering: Any) -> int | None:
        """The same of what enters a module; of a norm, the axis that it means.

        None for a norm of one axis that is not the one of the units.
        """
        axis = self.of(entering)
        if not isinstance(entering, Tensor) or entering.dim() < 3:
            return axis
        if has_units_second(module):
            return 1
        if len(normalized_shape(module) or ()) == 1:
            last = entering.dim() - 1
            return last if axis in (None, last) else None
        return axis

    def _axis(self, func: Any, args: Sequence[Any], made: Tensor) -> int | None:
        if func.overloadpacket in _MAKE_LAST:
            return made.dim() - 1
        if func.overloadpacket in _MAKE_SECOND:
            return 1
        found = {
            moved
            for given in _tensors(args)
            if (axis := self._axis_before(given)) is not None
            and (moved := _moved(func, args, given, axis, made)) is not None
        }
        return found.pop() if len(found) == 1 else None

    def _axis_before(self, given: Tensor) -> int | None:
        return self._known.get(id(given), (given, None))[1]


def _tensors(nested: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(nested) if isinstance(leaf, Tensor))


def _moved(
    func: Any, args: Sequence[Any], given: Tensor, axis: int, made: Tensor
) -> int | None:
    """Where an operation puts an axis of what it is given, if it keeps it whole."""
    operation = func.overloadpacket
    if operation in _TURN:
        return _TURN[operation](args, given.dim(), axis)
    if operation in _RESHAPE:
        return _reshaped(given.shape, axis, made.shape)
    if operation in _CUT:
        return axis
    if not _keeps(func) or made.dim() < given.dim():
        return None
    place = axis + made.dim() - given.dim()  # broadcasting puts axes in front
    return place if made.shape[place] == given.shape[axis] else None


def _keeps(func: Any) -> bool:
    name = func.overloadpacket.__name__.removeprefix("_")
    listed = func.overloadpacket in _KEEP or name.startswith(_KEPT_BY)
    return listed or torch.Tag.pointwise in func.tags


def _reshaped(before: Sequence[int], axis: int, after: Sequence[int]) -> int | None:
    """The axis of the same entries; None if they were merged with others or split."""
    for place, size in enumerate(after):
        if size == before[axis] and prod(after[:place]) == prod(before[:axis]):
            return place
    return None


def _permuted(args: Sequence[Any], dims: int, axis: int) -> int:
    return [dim % dims for dim in args[1]].index(axis)


def _transposed(args: Sequence[Any], dims: int, axis: int) -> int:
    first, second = (dim % dims for dim in args[1:3])
    return {first: second, second: first}.get(axis, axis)


def _selected(args: Sequence[Any], dims: int, axis: int) -> int | None:
    return _without([args[1]], dims, axis)


def _reduced(args: Sequence[Any], dims: int, axis: int) -> int | None:
    gone = list(range(dims)) if len(args) < 2 or args[1] is None else args[1]
    gone = gone if isinstance(gone, Sequence) else [gone]
    if len(args) > 2 and args[2]:  # keepdim
        return None if axis in [dim % dims for dim in gone] else axis
    return _without(gone, dims, axis)


def _without(gone: Sequence[int], dims: int, axis: int) -> int | None:
    places = [dim % dims for dim in gone]
    return None if axis in places else axis - sum(place < axis for place in places)


def _stacked(args: Sequence[Any], dims: int, axis: int) -> int:
    place = (args[1] if len(args) > 1 else 0) % (dims + 1)
    return axis + (place <= axis)


_TURN: dict[Any, Callable[[Sequence[Any], int, int], int | None]] = {
    _aten.permute: _permuted,
    _aten.transpose: _transposed,
    _aten.t: lambda _, dims, axis: dims - 1 - axis,
    _aten.select: _selected,
    _aten.mean: _reduced,
    _aten.sum: _reduced,
    _aten.amax: _reduced,
    _aten.stack: _stacked,
}
_RESHAPE = {_aten.view, _aten._unsafe_view, _aten.reshape, _aten._reshape_alias}
_RESHAPE |= {_aten.unsqueeze, _aten.squeeze, _aten.flatten}
