"""Products of the Hessian of a network's loss with vectors, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel

from normlab.base.reals import real
from normlab.probes.context import Batch
from normlab.train.evaluate import Loss

Product = Callable[[Tensor], Tensor]
"""A symmetric matrix: what it makes of a vector."""
HELD = 256 << 20  # bytes that graphs of gradients may hold between two products

# What torch says of an operation that has no second derivative.
_ONCE_ONLY = re.compile("derivative for .* is not implemented")


def hessian_over(
    model: nn.Module, batches: Sequence[Batch], loss: Loss, parameters: Sequence[Tensor]
) -> tuple[Tensor, Product]:
    """Gradient and Hessian of the mean loss over batches.

    In one graph that is held between products, if that takes little: vectors as long as
    the parameters are then cut, joined and added up once instead of for each batch.

    Args:
        model: Each batch is normalised by its own statistics.
        batches: Equally large ones.
        loss: Of outputs and labels; mean over the examples.
        parameters: By which it is differentiated.

    Returns:
        The gradient, `(size,)`, and the product with a vector of that size.

    Raises:
        RuntimeError: If the network cannot be differentiated twice; `is_once_only`.
    """

    def of(some: Sequence[Batch]) -> tuple[Tensor, Product]:
        # of torch's ways to attend only this one can be differentiated twice
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            losses = [loss(model(inputs), labels) for inputs, labels in some]
            return hessian(torch.stack(losses).mean(), parameters)

    held = 0

    def counted(tensor: Tensor) -> Tensor:
        nonlocal held
        held += tensor.nbytes
        return tensor

    with saved_tensors_hooks(counted, lambda tensor: tensor):
        first, _ = of(batches[:1])
    if held * len(batches) <= HELD:
        return of(batches)

    def times(vector: Tensor) -> Tensor:
        total = torch.zeros_like(vector)
        for batch in batches:
            total += of([batch])[1](vector)
        return total / len(batches)

    gradient = first
    for batch in batches[1:]:
        gradient = gradient + of([batch])[0]
    return gradient / len(batches), times


def hessian(loss: Tensor, parameters: Sequence[Tensor]) -> tuple[Tensor, Product]:
    """Gradient of `loss`, and the product of its Hessian with a vector, both `(size,)`.

    A complex parameter counts as two real ones; half precision is widened.
    The graph of the gradient is built once; a product is one pass back through it.
    """
    found = torch.autograd.grad(
        loss, parameters, create_graph=True, allow_unused=True, materialize_grads=True
    )
    gradient = [real(g) for g in found]
    sizes = [g.numel() for g in gradient]

    def times(vector: Tensor) -> Tensor:
        parts = zip(gradient, vector.split(sizes), strict=True)
        curved = [(g, part) for g, part in parts if g.requires_grad]
        if not curved:
            return torch.zeros_like(vector)
        # a scalar: for grad_outputs of its own torch imports half a second of sympy
        along = torch.stack([torch.dot(g.reshape(-1), p.to(g)) for g, p in curved])
        product = torch.autograd.grad(
            along.sum(),
            parameters,
            retain_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        return torch.cat([real(part).reshape(-1) for part in product])

    return torch.cat([g.detach().reshape(-1) for g in gradient]), times


def is_once_only(error: RuntimeError) -> bool:
    """Whether it says that a network has an operation without second derivative."""
    return _ONCE_ONLY.search(str(error)) is not None
