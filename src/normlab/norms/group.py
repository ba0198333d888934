"""Group norm: each example over the values of one group of features."""

from __future__ import annotations

from torch import nn

from normlab.base.slots import describe
from normlab.errors import BadModel

_MAX_GROUPS = 32  # the number that Wu and He use throughout


def group(features: int, dims: int = 0, *, groups: int | None = None) -> nn.Module:
    """Group norm with as many groups as make sense, 32 at most, or as many as asked.

    Args:
        features: Width of the slot.
        dims: Number of position axes.
        groups: In every slot; None: see `group_count`.

    Raises:
        BadModel: If the features cannot be cut into two or more such groups.

    Example:
        >>> group(256)
        GroupNorm(32, 256, ...)
        >>> group(6, dims=2)
        GroupNorm(3, 6, ...)

    Source: Wu and He 2018, arXiv 1803.08494.
    """
    if groups is None:
        groups = group_count(features, dims)
    elif features % groups or (dims == 0 and features == groups):
        raise BadModel(
            f"group norm on {describe(features, dims)}: they cannot be cut into "
            f"groups={groups} equal groups of more than one value. Use a number that "
            f"divides the width of every layer, or leave groups at auto."
        )
    return nn.GroupNorm(groups, features)


def group_count(features: int, dims: int = 0) -> int:
    """The largest number of groups, up to 32, that are big enough.

    A group of channels has many positions to average over, so two channels are
    enough. On vectors a group has nothing but its features: one value would become
    0 and two would become -1 and 1, whatever they were. There groups have at
    least 8 features; a layer too narrow for that is cut into as few groups as
    possible, of at least 3.

    Raises:
        BadModel: If no number of groups from 2 to 32 is possible. One group would
            be layer norm under another name.

    Example:
        >>> [group_count(n) for n in (512, 100, 10)], group_count(64, dims=2)
        ([32, 10, 2], 32)
    """
    slot = describe(features, dims)
    smallest, ample = (3, 8) if dims == 0 else (2, 2)
    counts = [
        count
        for count in range(2, _MAX_GROUPS + 1)
        if features % count == 0 and features // count >= smallest
    ]
    if not counts:
        raise BadModel(
            f"group norm on {slot}: they cannot be cut into 2 to {_MAX_GROUPS} equal "
            f"groups of at least {smallest}, and smaller groups or a single one have "
            f"no meaning. Use 'layer', or a layer whose width is a multiple of 8."
        )
    roomy = [count for count in counts if features // count >= ample]
    return max(roomy) if roomy else min(counts)
