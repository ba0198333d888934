"""Feed-forward networks; the reference network has 512 and 256 hidden ReLU units."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from math import prod

from torch import nn

from normlab.base.slots import NormMaker
from normlab.nets.hidden import behind_layer

WIDTHS = (512, 256)
"""Hidden units of the reference network."""


def mlp(
    norm: NormMaker,
    shape: tuple[int, ...],
    classes: int,
    *,
    depth: int | None = None,
    width: int | None = None,
    activation: str = "relu",
    placement: str = "before",
    weight_std: float | None = None,
    widths: tuple[int, ...] = WIDTHS,
) -> nn.Sequential:
    """Linear, norm, nonlinearity, as often as there are hidden layers; then linear.

    A bias in front of batch norm has no effect, its gradient is zero up to
    rounding; the reference network keeps it, and so do we.

    Args:
        norm: Makes the norm of every hidden layer.
        shape: Of one example; it is flattened.
        classes: Number of outputs.
        depth: Hidden layers; None: as many as there are `widths`.
        width: Units of every hidden layer; None: see `widths`.
        activation: One of `nets.hidden.NONLINEARITIES`.
        placement: The norm `before` or `after` the nonlinearity.
        weight_std: Weights start Gaussian with this standard deviation and biases
            at 0; None: torch's own initial values.
        widths: Units layer by layer, where `width` does not say; the last repeats.

    Raises:
        BadModel: If there is no such activation or placement.

    Example:
        >>> net = mlp(lambda features, dims=0: nn.Identity(), (1, 28, 28), 10)
        >>> sum(p.numel() for p in net.parameters())
        535818
    """
    layers = OrderedDict[str, nn.Module](flatten=nn.Flatten())
    sizes = [prod(shape), *hidden_widths(depth, width, widths)]
    for number, (inputs, units) in enumerate(pairwise(sizes), start=1):
        layers[f"fc{number}"] = nn.Linear(inputs, units)
        layers |= behind_layer(
            number, norm(units), activation=activation, placement=placement
        )
    layers[f"fc{len(sizes)}"] = nn.Linear(sizes[-1], classes)
    net = nn.Sequential(layers)
    if weight_std is not None:
        _draw_gaussian(net, weight_std)
    return net


def hidden_widths(
    depth: int | None, width: int | None, widths: tuple[int, ...]
) -> tuple[int, ...]:
    """Units of each hidden layer; see `mlp`.

    Example:
        >>> hidden_widths(None, None, (512, 256)), hidden_widths(4, None, (512, 256))
        ((512, 256), (512, 256, 256, 256))
    """
    depth = len(widths) if depth is None else depth
    if width is not None:
        return (width,) * depth
    return tuple(widths[min(layer, len(widths) - 1)] for layer in range(depth))


def _draw_gaussian(net: nn.Sequential, std: float) -> None:
    for module in net:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=std)
            nn.init.zeros_(module.bias)
