"""The largest curvature of the loss, beside what gradient descent can stand."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from normlab.base.reals import real
from normlab.base.streams import stream
from normlab.probes.context import Batch, ProbeContext
from normlab.probes.notes import NotingProbe, Row
from normlab.probes.probe_mode import probe_mode_
from normlab.probes.vectors import ratio
from normlab.records.observed.sharpness import SharpnessArrays
from normlab.train.step_state import StepState

MAX_PRODUCTS = 12
# Relative change at which nothing more comes, if it is so small twice in a row: on the
# way to the top the value may rest for a product.
SETTLED = 1e-4
TINY = 1e-30  # of a gradient that vanishes, which then adds nothing

# What torch says of an operation that has no second derivative.
_ONCE_ONLY = re.compile("derivative for .* is not implemented")


class Sharpness(NotingProbe):
    r"""Largest Hessian eigenvalue over a few batches, for SGD.

    With a constant curvature larger than $2/a$, or $(2 + 2m)/a$ under momentum m,
    descent at rate a oscillates with growing steps.

    Args:
        batches: Of the recipe's size or less, statistics per batch.
        steps: When to look.
        momentum: Of the recipe.
        seed: Of the stream that Lanczos starts from.

    Source: Cohen et al. 2021, arXiv 2103.00065.
    """

    kind = SharpnessArrays
    touches = True

    def __init__(
        self,
        batches: Sequence[Batch],
        *,
        steps: Collection[int],
        momentum: float,
        seed: int,
    ) -> None:
        super().__init__(steps)
        self._batches = batches
        self._momentum = momentum
        self._seed = seed

    def observe(self, state: StepState) -> None:
        """A gradient, and at most 12 products with the Hessian.

        A network with an operation that cannot be differentiated twice has none.
        """
        try:
            row = self._row(state)
        except RuntimeError as error:
            if not is_once_only(error):
                raise
        else:
            self._notes.add(state.step, row)

    def _row(self, state: StepState) -> Row:
        probe_mode_(state.model)
        parameters = [p for p in state.model.parameters() if p.requires_grad]
        # of torch's ways to attend only this one can be differentiated twice
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            losses = [state.loss(state.model(x), y) for x, y in self._batches]
            gradient, times = hessian(torch.stack(losses).mean(), parameters)
        draws = stream(self._seed, "sharpness")
        draw = torch.randn(len(gradient), generator=draws).to(gradient)
        # the gradient of a trained network lies mostly where curvature is large: to
        # start there spares products; a random part is orthogonal to nothing
        start = draw / draw.norm() + gradient / gradient.norm().clamp(min=TINY)
        value, _ = largest_eigenvalue(times, start)
        row = self.kind.row(
            eigenvalue=value,
            limit=ratio(2, state.rate),
            momentum_limit=ratio(2 + 2 * self._momentum, state.rate),
        )
        return {name: torch.tensor(v).double() for name, v in row.items()}


def is_once_only(error: RuntimeError) -> bool:
    """Whether it says that a network has an operation without second derivative."""
    return _ONCE_ONLY.search(str(error)) is not None


def hessian(
    loss: Tensor, parameters: Sequence[Tensor]
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
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


def largest_eigenvalue(
    times: Callable[[Tensor], Tensor], start: Tensor, *, most: int = MAX_PRODUCTS
) -> tuple[float, int]:
    """Largest eigenvalue of a symmetric matrix, from below, by Lanczos steps.

    Args:
        times: Multiplies the matrix with a vector.
        start: Any vector that is not orthogonal to the eigenvector.
        most: Products at most; fewer when the value settles.

    Returns:
        The value (nan where a product is not finite) and the number of products.
    """
    # without reorthogonalisation: in so few steps lost eigenvectors do not come back,
    # and if one did, it would be the one that has been found already
    previous, current = torch.zeros_like(start), start / start.norm()
    diagonal: list[float] = []
    beside: list[float] = []
    value, small = -math.inf, 0
    while True:
        product = times(current)
        diagonal.append(torch.dot(current, product).item())
        if not math.isfinite(diagonal[-1]):
            return math.nan, len(diagonal)
        before, value = value, _largest(diagonal, beside)
        product.sub_(current, alpha=diagonal[-1])
        product.sub_(previous, alpha=beside[-1] if beside else 0.0)
        beside.append(product.norm().item())
        small = small + 1 if abs(value - before) <= SETTLED * abs(value) else 0
        done = len(diagonal) in (most, len(start)) or beside[-1] <= 1e-6 * abs(value)
        if small == 2 or done:
            return value, len(diagonal)
        previous, current = current, product.div_(beside[-1])


def _largest(diagonal: Sequence[float], beside: Sequence[float]) -> float:
    matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    return float(np.linalg.eigvalsh(matrix)[-1])


def sharpness(of: ProbeContext) -> Sharpness | None:
    """The probe of one run, after epoch 1 and at the end; for SGD alone."""
    if of.momentum is None:
        return None
    steps = {of.length.steps_per_epoch, of.length.steps}
    return Sharpness(of.curved(), steps=steps, momentum=of.momentum, seed=of.seed)
