"""The article's network: two hidden layers of 512 and 256 ReLU units."""

from __future__ import annotations

from collections import OrderedDict
from math import prod

from torch import nn

from normlab.base.slots import NormMaker


def mlp(norm: NormMaker, shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Linear, norm, ReLU, twice, and a linear output; biases are kept.

    A bias in front of batch norm has no effect, its gradient is zero up to
    rounding; the article keeps it, and so do we.

    Args:
        norm: Makes the norms after both hidden layers, before the ReLU.
        shape: Of one example; it is flattened.
        classes: Number of outputs.

    Example:
        >>> net = mlp(lambda features, dims=0: nn.Identity(), (1, 28, 28), 10)
        >>> sum(p.numel() for p in net.parameters())
        535818
    """
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            fc1=nn.Linear(prod(shape), 512),
            norm1=norm(512),
            relu1=nn.ReLU(),
            fc2=nn.Linear(512, 256),
            norm2=norm(256),
            relu2=nn.ReLU(),
            fc3=nn.Linear(256, classes),
        )
    )
