"""Surfaces for Python users: measured by landscape, drawn by figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from normlab.records.surface import Statistics, Surface

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from torch import nn

    from normlab.landscape.chosen_plane import PlaneLike
    from normlab.landscape.plain import Loss
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
    plane: PlaneLike = "random",
    statistics: Statistics = "batch",
    batch_size: int = 64,
    points: int = 49,
    reach: float = 1.0,
    exact: bool = False,
    seed: int = 0,
    loss: Loss | None = None,
    *,
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

    Args:
        model: Any module that maps a batch of inputs to one tensor. One that draws
            whatever its mode, as functional dropout does, is measured with that
            noise, which is another one with another number of threads.
        data: Inputs and targets, a pair of tensors or arrays; a torch Dataset of such
            pairs; or a normlab `Dataset`, whose training part is used.
        plane: `"random"` (filter-normalised Gaussian directions), two parameters
            such as `("fc1.weight[3,100]", "fc2.weight[0,5]")`, or a `Plane`, such as
            `path_plane` and `common_plane` make.
        statistics: What a norm over the batch normalises by. *batch*: the sample is
            cut once into batches of `batch_size`, each with its own statistics; a
            short rest is dropped. *full*: the whole sample is one batch.
            *recalibrated*: at every point, population statistics are pooled from
            one pass over the batches, then used as at inference. *running*: the
            stored averages. A norm in eval mode in a network in train mode keeps
            its stored averages. Dropout is off.
        batch_size: Examples per batch.
        points: Points per axis, odd.
        reach: Size of the window; 1 is the plane's own.
        exact: Compute every point; otherwise as few as keep the interpolation
            within 0.5 % of the local loss at points held out: the largest difference
            found there is `Surface.estimated_error`, whose help says which they are.
        seed: Seed of the directions and of the cut.
        loss: Mean loss per example of outputs and targets; None is cross-entropy.
        examples: Use so many examples, drawn at random; None takes all of a pair
            and at most 10,000 of any dataset.
        threads: Points computed at the same time; None takes as many as torch uses.
        watch: Progress, and how to go on after an interruption.

    Returns:
        The surface: `loss` of shape `(len(b), len(a))`, the coordinates `a` and `b`,
        how it was evaluated, and `plot()`. It is free of torch.

    Raises:
        BadSetting: If a setting makes no sense.
        BadModel: If the model does not take the data, or cannot be copied.
        BadData: If the data is not a pair that fits together.

    Example:
        >>> import torch
        >>> x = torch.linspace(-1, 1, 128)[:, None]
        >>> net = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Linear(8, 2))
        >>> found = surface(net, (x, (x[:, 0] > 0).long()), points=9)
        >>> found.loss.shape == (len(found.b), len(found.a))
        True

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
        examples=examples,
        threads=threads,
        watch=watch,
    )
    return DrawableSurface(**vars(found))
