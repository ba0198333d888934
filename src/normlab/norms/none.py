"""No norm: the slot stays, so that names are equal over all arms."""

from __future__ import annotations

from torch import nn

from normlab.base.slots import describe


def none(features: int, dims: int = 0) -> nn.Module:
    """Identity, for the arm without normalisation.

    Raises:
        BadModel: If there is no such slot.
    """
    describe(features, dims)
    return nn.Identity()
