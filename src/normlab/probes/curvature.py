"""Curvatures of the loss around a network, in coordinates that rows' lengths leave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.base.filters import lengths_of
from normlab.base.reals import real
from normlab.base.streams import stream
from normlab.probes.context import Batch
from normlab.probes.hessian import Product, hessian_over
from normlab.probes.probe_mode import probe_mode_
from normlab.train.evaluate import Loss

IMAGES, BATCH = 512, 64
PRODUCTS = 40
SPENT = 1e-5  # length of a vector that is rounding alone, in largest eigenvalues


def row_curvatures(
    model: nn.Module,
    batches: Sequence[Batch],
    *,
    loss: Loss,
    weights: Sequence[str],
    seed: int,
) -> NDArray[np.float64]:
    r"""Largest eigenvalues of $D H D$, falling, one for each product.

    $H$ is the Hessian of the mean loss over the batches, each normalised by its own
    statistics, with respect to the named weights; $D$ is diagonal and holds for every
    number of a weight the length of its row (what makes one output). So the change of a
    row is counted in lengths of that row: where a norm stands behind it, and its
    length means nothing, the eigenvalues do not depend on it. Rows of length 0 are left
    out, and so are parameters without rows: biases, and those of norms. Found by 40
    Lanczos steps with full reorthogonalisation; a matrix of less than 40 rows has all
    its eigenvalues.

    Args:
        model: In training mode; in `preserved`, for its modes are changed.
        batches: Equally large ones.
        loss: Of outputs and labels; mean over the examples.
        weights: Names of parameters with two or more axes.
        seed: Of the stream that the first vector comes from.

    Returns:
        Nats, for a row's own length is the unit; nan where a product is not finite.

    Raises:
        RuntimeError: If the network cannot be differentiated twice.

    Source: Ghorbani et al. 2019, arXiv 1901.10159.
    """
    probe_mode_(model)
    named = dict(model.named_parameters())
    names = [name for name in weights if named[name].requires_grad]
    chosen = [named[name] for name in names]
    if not chosen:
        return np.empty(0)
    lengths = lengths_of(model, names)
    scale = torch.cat([lengths[name].reshape(-1) for name in names]).to(real(chosen[0]))
    _, times = hessian_over(model, batches, loss, chosen)
    draws = stream(seed, "curvature")
    start = torch.randn(len(scale), generator=draws).to(scale)
    return lanczos(lambda vector: scale * times(scale * vector), start * (scale > 0))


def lanczos(
    times: Product, start: Tensor, *, most: int = PRODUCTS
) -> NDArray[np.float64]:
    """Eigenvalues of a symmetric matrix on the Krylov space of a vector, falling.

    Every new vector is made orthogonal to all earlier ones. In finite precision it
    would else turn back to the largest eigenvectors, which were then found again.

    Args:
        times: Multiplies the matrix with a vector.
        start: Any vector but 0.
        most: Products at most; fewer if the space has no more dimensions.
    """
    basis = start.new_empty((min(most, int((start != 0).sum())), len(start)))
    diagonal, beside = list[float](), list[float]()
    current = start
    for count, place in enumerate(basis, 1):
        torch.div(current, torch.linalg.vector_norm(current), out=place)
        current = times(place)
        diagonal.append(torch.dot(place, current).item())
        current.sub_(place, alpha=diagonal[-1])
        known = basis[:count]
        current.sub_(known.T @ (known @ current))
        beside.append(torch.linalg.vector_norm(current).item())
        if not beside[-1] > SPENT * max(map(abs, diagonal)):
            break
    matrix = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    if not np.isfinite(matrix).all():
        return np.full(len(matrix), np.nan)
    return np.linalg.eigvalsh(matrix)[::-1].copy()
