"""A batch: one tensor, or tuples, lists and dicts of them, cut along the first axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

Batch = Any
"""A tensor, or a tuple, list or dict of batches; all tensors have as many rows."""


def tensors(batch: Batch) -> list[Tensor]:
    """All tensors of a batch, or of whatever a network returns."""
    return [leaf for leaf in tree_leaves(batch) if isinstance(leaf, Tensor)]


def mapped(change: Callable[[Tensor], Tensor], batch: Batch) -> Batch:
    """The same structure with every tensor changed.

    Example:
        >>> mapped(len, {"x": torch.zeros(3, 2), "pair": (torch.zeros(1), "kept")})
        {'x': 3, 'pair': (1, 'kept')}
    """
    return tree_map(lambda x: change(x) if isinstance(x, Tensor) else x, batch)


def rows(batch: Batch, cut: slice) -> Batch:
    """Some examples of a batch, in the same structure."""
    return mapped(lambda x: x[cut], batch)


def call(net: nn.Module, inputs: Batch) -> Any:
    """The network on these inputs: several as a tuple, named ones as a dict."""
    if isinstance(inputs, tuple):
        return net(*inputs)
    return net(**inputs) if isinstance(inputs, dict) else net(inputs)


def described(batch: Batch) -> str:
    """Shapes and types in a few words.

    Example:
        >>> described((torch.zeros(2, 5), torch.zeros(2)))
        '(2, 5) torch.float32, (2,) torch.float32'
    """
    found = [f"{tuple(x.shape)} {x.dtype}" for x in tensors(batch)[:4]]
    return ", ".join(found) or type(batch).__name__


def tolerance(net: nn.Module) -> float:
    """By how much of their size two ways to the same outputs may differ."""
    kinds = {p.real.dtype if p.is_complex() else p.dtype for p in net.parameters()}
    return max(_ROUNDING.get(kind, _COARSE) for kind in {torch.float64, *kinds})


_ROUNDING = {torch.float64: 1e-8, torch.float32: 1e-4}
_COARSE = 5e-2  # half precision


def close(one: Tensor, other: Tensor, relative: float) -> bool:
    """Whether two tensors of one shape agree, relative to their largest number."""
    exact = torch.complex128 if other.is_complex() else torch.float64
    one, other = one.to(exact), other.to(exact)
    finite = other.abs().nan_to_num(nan=0.0, posinf=0.0)
    scale = float(finite.max()) if finite.numel() else 0.0
    return torch.allclose(one, other, rtol=0, atol=relative * scale, equal_nan=True)
