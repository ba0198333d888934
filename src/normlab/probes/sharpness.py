"""The largest curvature of the loss, beside what gradient descent can stand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from normlab.base.streams import stream
from normlab.probes.context import Batch
from normlab.probes.hessian import Product, hessian_over
from normlab.probes.probe_mode import probe_mode_
from normlab.train.evaluate import Loss

CURVED, CURVED_BATCH = 256, 64  # images, in batches of
MAX_PRODUCTS = 12
# Relative change at which nothing more comes, if it is so small twice in a row: on the
# way to the top the value may rest for a product.
SETTLED = 1e-4
TINY = 1e-30  # of a gradient that vanishes, which then adds nothing


def sharpness(
    model: nn.Module, batches: Sequence[Batch], *, loss: Loss, seed: int
) -> float:
    r"""Largest eigenvalue of the Hessian of the mean loss over a few batches.

    With a constant curvature larger than $2/a$, or $(2 + 2m)/a$ under momentum m,
    descent at rate a oscillates with growing steps. Found from below, by a gradient and
    at most 12 products with the Hessian.

    Args:
        model: In training mode; in `preserved`, for its modes are changed.
        batches: Equally large ones, each normalised by its own statistics.
        loss: Of outputs and labels; mean over the examples.
        seed: Of the stream that Lanczos starts from.

    Returns:
        Nats per squared weight; nan where a product is not finite.

    Raises:
        RuntimeError: If the network cannot be differentiated twice.

    Source: Cohen et al. 2021, arXiv 2103.00065.
    """
    probe_mode_(model)
    parameters = [p for p in model.parameters() if p.requires_grad]
    gradient, times = hessian_over(model, batches, loss, parameters)
    draw = torch.randn(len(gradient), generator=stream(seed, "sharpness")).to(gradient)
    # the gradient of a trained network lies mostly where curvature is large: to
    # start there spares products; a random part is orthogonal to nothing
    start = draw / draw.norm() + gradient / gradient.norm().clamp(min=TINY)
    return largest_eigenvalue(times, start)[0]


def largest_eigenvalue(
    times: Product, start: Tensor, *, most: int = MAX_PRODUCTS
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
