"""Does a network decide by its data what it computes?"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from normlab.errors import BadModel, described

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


class _Read(Exception):
    """A value of the data was read."""


class _Followed(Tensor):
    """The data, and whatever is computed from it; its values cannot be read."""

    @classmethod
    def __torch_function__(
        cls,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute as ever, unless a value is read."""
        if func in _READ or (func is Tensor.__getitem__ and _cuts(args[1])):
            raise _Read(func.__name__.strip("_"))
        return super().__torch_function__(func, types, tuple(args), kwargs or {})


def _cuts(index: object) -> bool:
    """Whether a slice ends where a tensor says."""
    parts = index if isinstance(index, tuple) else (index,)
    ends = [(p.start, p.stop, p.step) for p in parts if isinstance(p, slice)]
    return any(isinstance(end, Tensor) for each in ends for end in each)


def refuse_decisions(model: nn.Module, example: Tensor) -> None:
    """Refuse a model that reads values of its data while it runs.

    It may take another branch on other data, of which one example shows nothing. A
    branch on the mode, on a shape or on a parameter is none on the data.

    Args:
        model: Run once; its tensors are not changed by that in eval mode.
        example: Data that it can read.

    Raises:
        BadModel: If it does, or cannot be followed.
    """
    compiled = "torch._dynamo" in sys.modules  # importing it would take a second
    stance = torch.compiler.set_stance("force_eager") if compiled else nullcontext()
    try:
        with stance:
            model(example.as_subclass(_Followed))
    except _Read as read:
        raise BadModel(
            f"the model reads values of its data ({read}), so it may compute something "
            f"else on other data, and a fold could not be checked. Fold a part of it "
            f"that has no such branch."
        ) from None
    except Exception as error:
        raise BadModel(
            f"the model cannot be followed on this example: {described(error)}"
        ) from error
