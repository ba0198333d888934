"""Surfaces for Python users: measured by landscape, drawn by figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from normlab.records.surface import Statistics, Surface

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from torch import nn

    from normlab.landscape.plain import Loss
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
    examples: int | None = None,
    threads: int | None = None,
    watch: Watch | None = None,
) -> DrawableSurface:
    """Loss on a plane through the parameters of any network.

    The model is left as it was to the last bit. The arguments, units and errors are
    those of `normlab.landscape.surface.surface`.

    Example:
        >>> import torch
        >>> x = torch.linspace(-1, 1, 128)[:, None]
        >>> net = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Linear(8, 2))
        >>> found = surface(net, (x, (x[:, 0] > 0).long()), points=9)
        >>> found.loss.shape == (len(found.b), len(found.a))
        True
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
