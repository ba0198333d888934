r"""Batch normalization, equation by equation.

This page is for reading, and for checking others against; training uses torch's
own layers. It follows Ioffe and Szegedy 2015 (arXiv 1502.03167). In float64 it
agrees with torch to rounding.

A batch norm looks at each feature on its own. Whether a feature is a unit of a
vector `(batch, features)` or a channel of an image `(batch, features, height,
width)`: all values that share the feature are one sample, over the batch and over
the positions (section 3.2). So every function here first lays its input out as
`rows`, of shape `(n, features)`, and each equation is about one column of it:

- $n$ (`n`): values of the feature in this batch;
- $\mu$ (`mean`): their mean;
- $\sigma^2$ (`variance`): their biased variance (divided by $n$);
- $\hat{x}$ (`xhat`): the normalised values, of variance almost 1;
- $\gamma, \beta$ (`gamma`, `beta`): the scale and shift that are learnt instead;
- $\varepsilon$ (`eps`): keeps the division finite.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable


class BatchStatistics(NamedTuple):
    """Mean and variance of every feature, both of shape `(features,)`."""

    mean: Tensor
    variance: Tensor


class Normalised(NamedTuple):
    """What a forward pass leaves for the backward pass; see `forward`."""

    y: Tensor  # like the input
    xhat: Tensor  # (n, features)
    std: Tensor  # (features,), the square root of variance + eps


# ---------------------------------------------------------------- training


def statistics(x: Tensor) -> BatchStatistics:
    r"""Mean and biased variance of a batch.

    $$\mu = \frac1n \sum_i x_i \qquad \sigma^2 = \frac1n \sum_i (x_i - \mu)^2$$

    Args:
        x: Shape `(batch, features, *positions)`.

    Example:
        >>> statistics(torch.tensor([[1.0], [3.0]]))
        BatchStatistics(mean=tensor([2.]), variance=tensor([1.]))
    """
    rows = as_rows(x)
    mean = rows.mean(dim=0)
    variance = (rows - mean).square().mean(dim=0)
    return BatchStatistics(mean, variance)


def forward(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Normalised:
    r"""Algorithm 1: normalise every feature over the batch, then scale and shift.

    $$\hat{x}_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}} \qquad
      y_i = \gamma\,\hat{x}_i + \beta$$

    Args:
        x: Shape `(batch, features, *positions)`.
        gamma: Shape `(features,)`.
        beta: Shape `(features,)`.
        eps: In squared units of `x`; torch takes 1e-5.

    Example:
        >>> x = torch.tensor([[1.0], [3.0]])
        >>> forward(x, torch.tensor([10.0]), torch.tensor([5.0]), eps=0.0).y
        tensor([[-5.],
                [15.]])
    """
    mean, variance = statistics(x)
    std = (variance + eps).sqrt()
    xhat = (as_rows(x) - mean) / std
    y = gamma * xhat + beta
    return Normalised(from_rows(y, like=x), xhat, std)


def backward(
    dy: Tensor, gamma: Tensor, normalised: Normalised
) -> tuple[Tensor, Tensor, Tensor]:
    r"""The gradients of the loss for `x`, `gamma` and `beta`, derived by hand.

    Write $dy_i$ for $\partial L/\partial y_i$, and so on. Scale and shift are easy,
    for each $y_i$ contains them once:

    $$d\gamma = \sum_i dy_i\,\hat{x}_i \qquad d\beta = \sum_i dy_i
      \qquad d\hat{x}_i = \gamma\,dy_i$$

    An input reaches the loss in three ways: through its own $\hat{x}_i$, and through
    the mean and the variance, which shift and stretch *all* the others. With
    $s = \sqrt{\sigma^2+\varepsilon}$ the two detours carry

    $$d\sigma^2 = -\frac{1}{2 s^2} \sum_i d\hat{x}_i\,\hat{x}_i \qquad
      d\mu = -\frac1s \sum_i d\hat{x}_i$$

    (the mean acts on the variance too, but only by $\sum_i (x_i-\mu) = 0$), and so

    $$dx_i = \frac{d\hat{x}_i}{s} + d\sigma^2\,\frac{2(x_i-\mu)}{n} + \frac{d\mu}{n}
           = \frac{\gamma}{n\,s}\,\bigl(n\,dy_i - d\beta - \hat{x}_i\,d\gamma\bigr)$$

    Read it from the right: batch norm takes out of the gradient the part that would
    move the whole batch ($d\beta$) and the part that would stretch it ($d\gamma$),
    for neither can change the output. Hence two laws: $\sum_i dx_i = 0$, and
    $\sum_i dx_i\,\hat{x}_i = 0$ but for $\varepsilon$.

    Args:
        dy: Gradient of the loss for `y`, of its shape.
        gamma: As in `forward`.
        normalised: What `forward` returned.

    Returns:
        `dx` of the input's shape, `dgamma` and `dbeta` of shape `(features,)`.
    """
    _, xhat, std = normalised
    rows = as_rows(dy)
    n = len(rows)
    dgamma = (rows * xhat).sum(dim=0)
    dbeta = rows.sum(dim=0)
    dx = gamma / (n * std) * (n * rows - dbeta - xhat * dgamma)
    return from_rows(dx, like=dy), dgamma, dbeta


class _BatchNorm(torch.autograd.Function):
    """`forward` and `backward` as one operation that autograd can use."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, gamma: Tensor, beta: Tensor, eps: float
    ) -> Tensor:
        normalised = forward(x, gamma, beta, eps=eps)
        ctx.save_for_backward(gamma, *normalised)
        return normalised.y

    @staticmethod
    @once_differentiable  # a second derivative would take xhat and std for constants
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Tensor | None, ...]:
        (dy,) = grad_outputs
        gamma, *saved = ctx.saved_tensors
        return *backward(dy, gamma, Normalised(*saved)), None


def batch_norm(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float = 1e-5) -> Tensor:
    """Algorithm 1 with the hand-derived gradient; for use in a network.

    Args:
        x: Shape `(batch, features, *positions)`.
        gamma: Shape `(features,)`.
        beta: Shape `(features,)`.
        eps: In squared units of `x`.

    Example:
        >>> x = torch.tensor([[1.0], [3.0]], requires_grad=True)
        >>> batch_norm(x, torch.ones(1), torch.zeros(1))[0].backward()
        >>> bool(x.grad.abs().max() < 1e-4)  # two values always become -1 and 1
        True
    """
    return _BatchNorm.apply(x, gamma, beta, eps)


# --------------------------------------------------------------- inference


def population(batches: Iterable[Tensor]) -> BatchStatistics:
    r"""Algorithm 2: the statistics for inference, in the paper's way.

    $$E[x] = \mathrm{mean}_B\,\mu_B \qquad
      \mathrm{Var}[x] = \frac{n}{n-1}\,\mathrm{mean}_B\,\sigma_B^2$$

    After training, with *frozen* weights, many batches of equal size are passed
    through the network and their statistics averaged. The factor makes up for
    $\sigma_B^2$ being measured about the batch's own mean, which lies closer to the
    values than the true one.

    Args:
        batches: Inputs of this norm, each of the same shape.

    Raises:
        ValueError: If there is no batch, their shapes differ, or n is 1.
    """
    inputs = list(batches)
    shapes = {tuple(x.shape) for x in inputs}
    if len(shapes) != 1:
        raise ValueError(f"batches of one shape are needed, not {sorted(shapes)}.")
    means, variances = zip(*map(statistics, inputs), strict=True)
    n = len(as_rows(inputs[0]))
    return BatchStatistics(
        torch.stack(means).mean(dim=0),
        _unbiased(torch.stack(variances).mean(dim=0), n),
    )


def exponential_average(
    running: BatchStatistics, x: Tensor, *, momentum: float = 0.1
) -> BatchStatistics:
    r"""The statistics for inference, in torch's way: one step of training.

    $$\mu_{run} \leftarrow (1-m)\,\mu_{run} + m\,\mu_B \qquad
      \sigma^2_{run} \leftarrow (1-m)\,\sigma^2_{run} + m\,\frac{n}{n-1}\,\sigma_B^2$$

    It starts from mean 0 and variance 1 and costs no extra pass, but it averages
    over weights that were still moving. Note that torch normalises with the biased
    variance and stores the unbiased one.

    Args:
        running: What was stored before this batch.
        x: The batch, of shape `(batch, features, *positions)`.
        momentum: Weight of the *new* value; the rest of the word is misleading.

    Raises:
        ValueError: If n is 1, where there is no variance.
    """
    mean, variance = statistics(x)
    unbiased = _unbiased(variance, len(as_rows(x)))
    return BatchStatistics(
        (1 - momentum) * running.mean + momentum * mean,
        (1 - momentum) * running.variance + momentum * unbiased,
    )


def infer(
    x: Tensor,
    stored: BatchStatistics,
    gamma: Tensor,
    beta: Tensor,
    *,
    eps: float = 1e-5,
) -> Tensor:
    r"""Algorithm 2, line 11: batch norm with stored statistics is affine.

    $$y = \frac{\gamma}{\sqrt{\mathrm{Var}[x]+\varepsilon}}\,x
        + \Bigl(\beta - \frac{\gamma\,E[x]}{\sqrt{\mathrm{Var}[x]+\varepsilon}}\Bigr)$$

    An example's output no longer depends on its neighbours in the batch; and being
    affine it can be folded into the layer in front of it (`surgery.fold`).

    Args:
        x: Shape `(batch, features, *positions)`.
        stored: From `population` or `exponential_average`.
        gamma: Shape `(features,)`.
        beta: Shape `(features,)`.
        eps: As in training.
    """
    scale = gamma / (stored.variance + eps).sqrt()
    shift = beta - scale * stored.mean
    return from_rows(scale * as_rows(x) + shift, like=x)


# ------------------------------------------------------------------ layout


def as_rows(x: Tensor) -> Tensor:
    """Lay `(batch, features, *positions)` out as `(n, features)`.

    Example:
        >>> as_rows(torch.zeros(64, 16, 28, 28)).shape
        torch.Size([50176, 16])
    """
    return x.movedim(1, -1).reshape(-1, x.shape[1])


def from_rows(rows: Tensor, *, like: Tensor) -> Tensor:
    """Undo `as_rows`.

    Example:
        >>> x = torch.rand(2, 3, 4, generator=torch.Generator())
        >>> from_rows(as_rows(x), like=x).equal(x)
        True
    """
    return rows.reshape(like.movedim(1, -1).shape).movedim(-1, 1)


def _unbiased(variance: Tensor, n: int) -> Tensor:
    if n < 2:
        raise ValueError("a variance needs at least 2 values of each feature, not 1.")
    return variance * n / (n - 1)
