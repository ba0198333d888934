"""Does a network decide by its data, or by their number, what it computes?"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from normlab.base.taps import uncompiled
from normlab.errors import BadModel, described
from normlab.surgery.examples import Example, batch_of, call, mapped, shapes_of

_READ = {
    Tensor.__array__,
    Tensor.__bool__,
    Tensor.__contains__,
    Tensor.__float__,
    Tensor.__index__,
    Tensor.__int__,
    Tensor.__complex__,
    Tensor.item,
    Tensor.numpy,
    Tensor.tolist,
    Tensor.equal,
    Tensor.allclose,
    Tensor.is_nonzero,
    torch.allclose,
    torch.equal,
    torch.is_nonzero,
}
"""What takes a value out of a tensor, so that Python can branch on it."""

_SIZED_BY_VALUES = {
    "argwhere",
    "bincount",
    "masked_select",
    "nonzero",
    "unique",
    "unique_consecutive",
}
"""Functions and methods whose result is as large as the values of the data say."""

_SHAPE = Tensor.shape.__get__  # pyright: ignore[reportAttributeAccessIssue]
_SIZES = {_SHAPE, Tensor.size, Tensor.numel, Tensor.nelement}
_NUMBERS = (11, 13, 17, 19, 23, 29, 31, 37)  # of examples, to know them by in sizes


class _Read(Exception):
    """Something was read that may be another next time."""


class _Count(int):
    """A size that grows with the batch: to compute with, not to decide by."""

    def __hash__(self) -> int:
        """As of any number."""
        return int.__hash__(self)


def _deciding(name: str) -> Any:
    def method(self: _Count, *others: object) -> Any:
        # torch's own layers compare sizes to check them, not to compute something else
        caller = str(sys._getframe(1).f_globals.get("__name__"))
        alike = any(isinstance(other, _Count) for other in others)
        if not alike and caller.partition(".")[0] != "torch":
            raise _Read("the number of its examples")
        return getattr(int, name)(self, *others)

    return method


def _computing(name: str) -> Any:
    def method(self: _Count, *others: object) -> Any:
        value = getattr(int, name)(self, *others)
        return _Count(value) if type(value) is int else value

    return method


_DECIDING = (
    *("lt", "le", "gt", "ge", "eq", "ne", "bool", "int", "float"),
    *("truediv", "rtruediv", "divmod", "pow", "and"),
)
_COMPUTING = ("add", "radd", "sub", "rsub", "mul", "rmul", "floordiv", "mod", "neg")
for _names, _made in ((_DECIDING, _deciding), (_COMPUTING, _computing)):
    for _name in _names:
        setattr(_Count, f"__{_name}__", _made(f"__{_name}__"))


class _Followed(Tensor):
    """The data, and whatever is computed from it; its values cannot be read."""

    examples = 1
    """Whose multiples are sizes that grow with the batch."""

    @classmethod
    def __torch_function__(
        cls,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute as ever, unless something is read."""
        name = func.__name__.strip("_")
        if func in _READ or (func is Tensor.__getitem__ and _cuts(args[1])):
            raise _Read(f"values of its data, {name}")
        if name in _SIZED_BY_VALUES or (name == "where" and len(args) == 1):
            raise _Read(f"sizes that values of its data decide, {name}")
        if func is Tensor.__len__:
            raise _Read("the number of its examples, len")
        value = super().__torch_function__(func, types, tuple(args), kwargs or {})
        return cls._sizes(value) if func in _SIZES else value

    @classmethod
    def _sizes(cls, value: int | torch.Size) -> Any:
        if isinstance(value, int):
            grows = value and value % cls.examples == 0
            return _Count(value) if grows else value
        return torch.Size([cls._sizes(size) for size in value])


def _cuts(index: object) -> bool:
    """Whether a slice ends where a tensor says, or a mask of the data selects."""
    parts = index if isinstance(index, tuple) else (index,)
    ends = [(p.start, p.stop, p.step) for p in parts if isinstance(p, slice)]
    masks = [p for p in parts if isinstance(p, _Followed)]
    return any(isinstance(end, Tensor) for each in ends for end in each) or any(
        mask.dtype in (torch.bool, torch.uint8) for mask in masks
    )


def refuse_decisions(model: nn.Module, example: Example) -> None:
    """Refuse a model that reads values of its data, or their number, while it runs.

    It may take another branch on other data, of which one example shows nothing. A
    branch on the mode, on another size or on a parameter is none on the data; nor is
    it one to compute with the number of examples, as `x.view(x.shape[0], -1)` does.

    Args:
        model: Run once; its tensors are not changed by that in eval mode.
        example: Data that it can read.

    Raises:
        BadModel: If it does, or cannot be followed.
    """
    number = _telling(model, example)
    many = mapped(lambda tensor: _as_many(tensor, example, number), example)
    try:
        # without numbers nothing is computed: sizes are enough, where torch has them
        _follow(_without_values(model), mapped(_sized, many), number)
    except _CannotBeFollowed:
        try:
            _follow(model, mapped(torch.clone, many), number)
        except _CannotBeFollowed:  # made for other numbers, it may be
            _follow(model, mapped(torch.clone, example), batch_of(example))


class _CannotBeFollowed(BadModel):
    """It does not run on followed data, for whatever reason."""


def _telling(model: nn.Module, example: Example) -> int:
    """A number of examples that divides no size of the model or of an example."""
    shapes = [*shapes_of(example), *(t.shape for t in model.state_dict().values())]
    known = {size for shape in shapes for size in shape}
    free = (n for n in _NUMBERS if all(size % n for size in known))
    return next(free, _NUMBERS[-1])


def _as_many(tensor: Tensor, example: Example, number: int) -> Tensor:
    """That many examples, repeated where there are fewer; other tensors as they are."""
    size = batch_of(example)
    if not tensor.dim() or len(tensor) != size:
        return tensor
    return tensor[torch.arange(number, device=tensor.device) % size]


def _without_values(model: nn.Module) -> nn.Module:
    """A copy whose tensors have a size only."""
    memo: dict[int, Any] = {id(p): nn.Parameter(_sized(p)) for p in model.parameters()}
    memo |= {id(buffer): _sized(buffer) for buffer in model.buffers()}
    return deepcopy(model, memo)


def _sized(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, device="meta")


def _follow(model: nn.Module, example: Example, examples: int) -> None:
    kind = type("Followed", (_Followed,), {"examples": examples})
    try:
        with uncompiled():
            call(model, mapped(lambda tensor: tensor.as_subclass(kind), example))
    except _Read as read:
        raise BadModel(
            f"the model reads what may differ on other data ({read}), so it may "
            f"compute something else there, and a fold could not be checked. Fold a "
            f"part of it that has no such branch."
        ) from None
    except Exception as error:
        raise _CannotBeFollowed(
            f"the model cannot be followed on this example: {described(error)}"
        ) from error
