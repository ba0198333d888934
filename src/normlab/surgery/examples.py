"""What a network is called with and what it answers: tensors, alone or nested."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from normlab.base.leaves import leaves
from normlab.base.streams import stream
from normlab.errors import BadModel, described
from normlab.user_code import refusing

Example: TypeAlias = Tensor | tuple[Any, ...] | Mapping[str, Any]
"""One call: a tensor, a tuple (several arguments) or a mapping (keywords)."""


def examples_in(given: Example | list[Example]) -> list[Example]:
    """One example or a list of them, as a list.

    Raises:
        BadModel: If there is no tensor in one.

    Example:
        >>> len(examples_in(torch.ones(2, 4)))
        1
    """
    found = given if isinstance(given, list) else [given]
    whole = [isinstance(e, Tensor | tuple | Mapping) and any(leaves(e)) for e in found]
    if not found or not all(whole):
        raise BadModel(
            f"an example is a {type(given).__name__} without a tensor in it. Give a "
            "tensor, a tuple (several arguments), a dict (keywords), or a list of such."
        )
    return found


def run(model: nn.Module, example: Example) -> Any:
    """Call a model with a copy of an example, which it may change in place.

    Raises:
        BadModel: If it cannot be called so.
    """

    def told(error: BaseException) -> BadModel:
        shapes = ", ".join(str(tuple(tensor.shape)) for _, tensor in leaves(example))
        return BadModel(
            f"the network cannot read an example of shape {shapes}: {described(error)}"
        )

    with refusing(told):
        return call(model, mapped(torch.clone, example))


def call(model: nn.Module, example: Example) -> Any:
    """Call a model with an example itself."""
    if isinstance(example, Mapping):
        return model(**example)
    return model(*example) if isinstance(example, tuple) else model(example)


def mapped(function: Callable[[Tensor], Any], example: Any) -> Any:
    """The same tuples, lists and mappings, with a function of every tensor."""
    match example:
        case Tensor():
            return function(example)
        case tuple() if hasattr(example, "_fields"):
            return type(example)(*(mapped(function, one) for one in example))
        case tuple() | list():
            return type(example)(mapped(function, one) for one in example)
        case dict():
            return {name: mapped(function, one) for name, one in example.items()}
    return example


_ROUNDING = 1e-8  # at most, of a deep network in float64


def difference(one: object, other: object) -> tuple[float, bool]:
    """The largest difference of two answers, and whether rounding explains it.

    It is in parts of the largest value of that tensor.

    Rounding of one layer is amplified by the next ones, to a thousand times the unit in
    the last place of the largest value, in deep networks to a million times; misuse
    changes digits one to five. Only in float64 can the two always be told apart: what
    is below 1e-8 is rounding there. NaN against NaN is no difference.
    """
    pairs = list(zip(_tensors(one), _tensors(other), strict=False))
    largest, equal = 0.0, len(_tensors(one)) == len(_tensors(other))
    for left, right in pairs:
        if left.shape != right.shape:
            return float("inf"), False
        if not left.is_floating_point() or not left.numel():
            equal &= left.equal(right)
            continue
        scale = left.abs().nan_to_num(posinf=0.0).max().item()
        tolerance = max(1e3 * torch.finfo(left.dtype).eps, _ROUNDING)
        change = (left - right).abs().nan_to_num(nan=0.0, posinf=0.0).max().item()
        largest = max(largest, change / scale if change else 0.0)
        equal &= left.allclose(
            right, rtol=tolerance, atol=tolerance * scale, equal_nan=True
        )
    return largest, equal


def _tensors(value: object) -> list[Tensor]:
    return [tensor for _, tensor in leaves(value)]


def held_out(example: Example) -> Example:
    """Another input of the same kind: as wide and as large, with other values.

    Numbers are drawn anew, around the mean and within the range of the example's;
    integers (indices, labels) change places along their last axis.
    """
    generator = stream("held-out example")

    def other(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point():
            counts = tensor.dim() and tensor.dtype != torch.bool
            return tensor.roll(1, -1) if counts else tensor
        if not tensor.numel():
            return tensor
        drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        values = tensor.detach().double()
        # of an example of equal numbers, some spread all the same
        spread = values.std(correction=0).item() or 1.0
        drawn = drawn.to(values.device) * spread + values.mean()
        low, high = values.min().item(), values.max().item()
        return (drawn.clamp(low, high) if low < high else drawn).to(tensor)

    return mapped(other, example)


def batch_of(example: Example) -> int:
    """The number of examples in a batch: as long as its first tensor is."""
    first = next(tensor for _, tensor in leaves(example))
    return len(first) if first.dim() else 1


def shapes_of(example: Example) -> Sequence[tuple[int, ...]]:
    """Of all tensors, without the batch.

    Example:
        >>> shapes_of((torch.ones(2, 4), torch.ones(2)))
        [(4,), ()]
    """
    return [tuple(tensor.shape[1:]) for _, tensor in leaves(example)]
