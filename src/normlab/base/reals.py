"""Numbers of any precision as real ones that can be measured and kept."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def real(x: Tensor) -> Tensor:
    """The same numbers, real, dense and in single precision at least.

    Of complex ones the real and the imaginary parts, on a last axis of their own. What
    is so already, and whole numbers, are returned as they are.

    Example:
        >>> real(torch.ones(3, dtype=torch.bfloat16)).dtype
        torch.float32
        >>> real(torch.tensor([1 + 2j]))
        tensor([[1., 2.]])
    """
    if x.dtype == torch.float32 and x.layout == torch.strided:
        return x  # nearly always, and asked for very often
    if x.layout != torch.strided:
        x = x.to_dense()
    if x.is_complex():
        x = torch.view_as_real(x.resolve_conj())
    narrow = x.is_floating_point() and x.element_size() < 4
    return x.float() if narrow else x


def in_numpy(x: Tensor) -> NDArray[Any]:
    """A tensor as the array that is recorded; NumPy knows half precision, one kind."""
    x = x.detach().cpu()
    return (x if x.dtype == torch.float16 else real(x)).numpy()
