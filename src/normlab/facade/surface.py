"""Surfaces for Python users: measured by landscape, drawn by figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from normlab.records.surface import Statistics, Surface

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from torch import nn

    from normlab.landscape.objective import Loss, OfModel
    from normlab.landscape.plane import Plane
    from normlab.landscape.surface import Watch


@dataclass(frozen=True, kw_only=True)
class DrawableSurface(Surface):
    """A measured surface that can draw itself."""

    def plot(self, against: Surface | None = None) -> go.Figure:
        r"""The loss as contours over the plane, or its difference from another one.

        Args:
            against: Draw the relative difference from this surface instead,
                $100 (L - L_0) / \lvert L_0\rvert$ per cent, $L_0$ being its loss: for
                example *full* against *batch*. It must have been measured at the same
                points of the same plane.

        Raises:
            BadSetting: If it was not.
            NotMeasured: If no point has a finite loss.

        Example:
            >>> import torch
            >>> x = torch.linspace(-1, 1, 128)[:, None]
            >>> layers = torch.nn.Linear(1, 2), torch.nn.BatchNorm1d(2)
            >>> net = torch.nn.Sequential(*layers)
            >>> data = (x, (x[:, 0] > 0).long())
            >>> batch = surface(net, data, points=9)
            >>> full = surface(net, data, statistics="full", points=9)
            >>> full.plot(against=batch).layout.annotations[0].text
            '<b>full</b>'
        """
        if against is not None:
            from normlab.figures.surface_difference import draw_difference

            return draw_difference(self, against)
        from normlab.figures.surface import contours

        return contours(self)


def surface(
    model: nn.Module,
    data: Any,
    plane: str | tuple[str, str] | Plane = "random",
    statistics: Statistics = "batch",
    batch_size: int = 64,
    points: int = 49,
    reach: float = 1.0,
    exact: bool = False,
    seed: int = 0,
    loss: Loss | None = None,
    *,
    objective: OfModel | None = None,
    examples: int | None = None,
    threads: int | None = None,
    watch: Watch | None = None,
) -> DrawableSurface:
    r"""Loss on a plane through the parameters of any network.

    Measured is the mean loss per example $L(w_0 + a\,d_1 + b\,d_2)$ at `points` times
    `points` places $(a, b)$ around the parameters $w_0$; cross-entropy is in nats. A
    filter or row $i$ of a random direction is $g_i\,\lVert w_i\rVert/\lVert g_i\rVert$
    with $g$ standard normal, as long as the weight's own; biases and the parameters of
    norms stay. The model is left as it was to the last bit: parameters, buffers,
    gradients, hooks, the mode of every module, the random generators.

    Private copies are moved; a model that its copies go on using, as those of functions
    do (`net.forward = lambda x: inner(x)`), is moved itself and put back. What your
    hooks do beside, such as keeping outputs in a list of their own, they do at every
    pass.

    Args:
        model: Any module, in eval mode while it is measured. One that draws whatever
            its mode, as functional dropout does, draws the same at every point, with
            one thread. Automatic precision (`torch.autocast`) holds in all threads.
        data: Inputs and targets, a pair. Inputs are a tensor or an array, a tuple of
            several, `model(*inputs)`, or a dict, `model(**inputs)`. Or a dataset of
            such pairs, or a normlab `Dataset`, whose training part is used. With
            `objective` any tensor, tuple or dict of them with a row for every example,
            or a dataset of anything.
        plane: `"random"` (filter-normalised Gaussian directions), two parameters
            such as `("fc1.weight[3,100]", "fc2.weight[0,5]")`, or a `Plane`, such as
            `path_plane` and `common_plane` make.
        statistics: What a norm over the batch normalises by. *batch*: the sample is
            cut once into batches of `batch_size`, each with its own statistics; a
            short rest is dropped. *full*: the whole sample is one batch.
            *recalibrated*: at every point, population statistics are pooled from
            one pass over the batches, then used as at inference. *running*: the
            stored averages. Dropout is off. A norm that was frozen keeps its stored
            averages: it is in eval mode in a network in train mode, or, where the
            whole network is in eval mode, its parameters alone take no gradients. One
            of which it is not known what it would do is refused. What was really done
            is `Surface.evaluation`.
        batch_size: Examples per batch. Where neither norms nor anything else let
            examples of a batch depend on each other, nothing is cut nor dropped.
        points: Points per axis, odd.
        reach: Size of the window; 1 is the plane's own.
        exact: Compute every point; otherwise as few as keep the interpolation
            within 0.5 % of the local loss at points held out: the largest difference
            found there is `Surface.estimated_error`, whose help says which they are.
        seed: Seed of the directions and of the cut.
        loss: Mean loss per example, `loss(outputs, targets)`, of what the model
            returns; None is cross-entropy, in float32 at least. No gradients are kept.
        objective: Instead of `loss`, the mean loss per example of the moved model,
            `objective(model, batch)`: for residuals, weight decay, several inputs, or
            outputs with a `.loss`. `batch` is cut from the data and has its structure.
            Gradients can be asked for.
        examples: Use so many examples, drawn at random; None takes all of a pair
            and at most 10,000 of any dataset.
        threads: Points computed at the same time; None takes as many as torch uses.
        watch: Progress, and how to go on after an interruption.

    Returns:
        The surface: `loss` of shape `(len(b), len(a))`, the coordinates `a` and `b`,
        how it was evaluated, and `plot()`. It is free of torch.

    Raises:
        BadSetting: If a setting makes no sense.
        BadModel: If the model does not take the data, cannot be copied, or has a norm
            that cannot follow `statistics`.
        BadData: If the data does not fit together.

    Example:
        >>> import torch
        >>> x = torch.linspace(-1, 1, 128)[:, None]
        >>> net = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Linear(8, 2))
        >>> found = surface(net, (x, (x[:, 0] > 0).long()), points=9)
        >>> found.loss.shape == (len(found.b), len(found.a))
        True
        >>> def residual(net, x):  # of u' + u = 0
        ...     u = net(x.requires_grad_())
        ...     slope = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
        ...     return (slope + u).square().mean()
        >>> u = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Tanh())
        >>> surface(u, x, objective=residual, points=9).examples
        128

    Source: Li, Xu, Taylor, Studer and Goldstein 2018, arXiv 1712.09913.
    """
    from normlab.landscape.surface import surface as measure

    found = measure(
        model,
        data,
        plane=plane,
        statistics=statistics,
        batch_size=batch_size,
        points=points,
        reach=reach,
        exact=exact,
        seed=seed,
        loss=loss,
        objective=objective,
        examples=examples,
        threads=threads,
        watch=watch,
    )
    return DrawableSurface(**vars(found))
