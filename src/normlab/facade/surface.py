"""Surfaces for Python users: measured by landscape, drawn by figures."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from normlab.analysis.text.frames import frame
from normlab.errors import BadSetting
from normlab.records.surface import Statistics, Surface

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from torch import nn

    from normlab.landscape.evaluate.objective import Loss, OfModel
    from normlab.landscape.monitor import Monitor
    from normlab.landscape.planes.chosen import PlaneLike


@dataclass(frozen=True, kw_only=True, repr=False)
class DrawableSurface(Surface):
    """A measured surface that can draw itself, and be kept."""

    def plot(self, against: Surface | None = None) -> go.Figure:
        r"""The loss as contours over the plane, or its difference from another one.

        On a line it is a curve, and another one is drawn beside it.

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
        from normlab.figures import surface_difference as difference
        from normlab.figures.line import draw_lines
        from normlab.figures.surface import contours

        if against is None:
            return contours(self)
        if not self.is_line:
            return difference.draw_difference(self, against)
        difference.refuse_another_plane(self, against)
        names = self.evaluation, against.evaluation
        names = names if names[0] != names[1] else ("this", "against")
        return draw_lines(dict(zip(names, (self, against), strict=True)))

    def plot_3d(self) -> go.Figure:
        """The loss as a landscape, to be turned; height and colour are its logarithm.

        Raises:
            BadSetting: If it was measured on a line.
            NotMeasured: If no point has a finite loss.
        """
        if self.is_line:
            raise BadSetting("a line has no third dimension. Draw it with plot().")
        from normlab.figures.surface_3d import draw_surfaces_3d

        return draw_surfaces_3d({"loss": self})

    def to_pandas(self) -> pd.DataFrame:
        """One row per point.

        Returns:
            Columns `a`, `b`, `loss` and `computed`; on the plane of two parameters
            also their values, by the parameters' names.

        Raises:
            BadSetting: If pandas is not installed.
        """
        a, b = np.meshgrid(self.a, self.b)
        columns = {"a": a, "b": b, "loss": self.loss, "computed": self.computed}
        if "value_1" in self.facts:
            from normlab.figures.kit.plane import axis_titles, in_values

            shown = in_values(self)
            values = np.meshgrid(shown.a, shown.b)
            columns |= dict(zip(axis_titles(self), values, strict=True))
        return frame({name: each.ravel() for name, each in columns.items()})

    def save(self, path: str | Path) -> Path:
        """Keep it in a file that `normlab.load_surface` reads: plain arrays, no pickle.

        Args:
            path: An .npz file; an older one is replaced.

        Returns:
            The file.

        Raises:
            BadFolder: If it cannot be written there.
        """
        from normlab.records.surface_file import save_surface

        return save_surface(self, Path(path).expanduser())

    def _repr_html_(self) -> str:
        rows = {
            "plane": self.plane,
            "points": " x ".join(str(n) for n in self.loss.shape[::-1]),
            "loss": self.range,
            "statistics": self.evaluation,
            "examples": f"{self.examples:,}",
            "estimated error": f"{100 * self.estimated_error:.2g} %",
        }
        cells = "".join(
            f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
            for name, text in rows.items()
        )
        caption = "<caption>loss surface; draw it with plot() or plot_3d()</caption>"
        return f"<table>{caption}<tbody>{cells}</tbody></table>"


def load_surface(path: str | Path) -> DrawableSurface:
    """A surface that was kept with `save`, or one of a study's `arrays/surfaces`.

    Args:
        path: The .npz file.

    Returns:
        The surface, which can draw itself.

    Raises:
        BadData: If there is no such file, or it holds no surface.

    Example:
        >>> load_surface("nowhere.npz")
        Traceback (most recent call last):
        ...
        normlab.errors.BadData: nowhere.npz: there is no such file.
    """
    from normlab.records.surface_file import load_surface as load

    return DrawableSurface(**vars(load(Path(path).expanduser())))


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
    objective: OfModel | None = None,
    examples: int | None = None,
    threads: int | None = None,
    watch: Monitor | None = None,
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
        plane: `"random"` (filter-normalised Gaussian directions; frozen parameters
            stay), two parameters such as `("fc1.weight[3,100]", "fc2.weight[0,5]")`,
            two networks for the line between them, three for the plane through them
            (in a list, or by names of your own), or a `Plane`, as `random_plane`,
            `named_plane`, `path_plane` and `common_plane` make. Networks are modules,
            state_dicts, or files of weights.
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
            Where it matters in what order they are, as in a graph, they keep it.
        points: Points per axis, odd.
        reach: Size of the window; 1 is the plane's own.
        exact: Compute every point; otherwise as few as keep the interpolation
            within 0.5 % of the local loss at points held out: the largest difference
            found there is `Surface.estimated_error`, whose help says which they are.
        seed: Seed of the directions and of the cut.
        loss: Mean loss per example, `loss(outputs, targets)`, of what the model
            returns; None is cross-entropy, in float32 at least. No gradients are kept.
            One that depends on the number of examples, as a sum does, is refused.
        objective: Instead of `loss`, the mean loss per example of the moved model,
            `objective(model, batch)`: for residuals, weight decay, several inputs, or
            outputs with a `.loss`. `batch` is cut from the data and has its structure.
            Gradients can be asked for.
        examples: Use so many examples, drawn at random; None takes all of a pair
            and at most 10,000 of any dataset.
        threads: Points computed at the same time; None takes as many as torch uses.
        watch: Progress, and how to go on after an interruption.

    Returns:
        The surface, with `loss` of shape `(len(b), len(a))`, the coordinates `a` and
        `b`, how it was evaluated, `plot()`, `plot_3d()`, `to_pandas()` and `save()`. It
        is free of torch. On a line it has one row.

    Raises:
        BadSetting: If a setting makes no sense.
        BadModel: If the model does not take the data, cannot be copied, or has a norm
            that cannot follow `statistics`.
        BadData: If the data does not fit together, or networks that span the plane do
            not.

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
