"""What nets and norms agree on, so that neither has to know the other.

A net has *slots*: places, named `norm1`, `norm2`, ..., where a norm may stand. It
asks a `NormMaker` for a module for each of them and says only how wide the slot
is and what passes through it.
"""

from __future__ import annotations

from numbers import Integral  # NumPy's integers too
from typing import Protocol

from torch import nn

from normlab.errors import BadModel

KINDS = ("vectors", "sequences", "images", "volumes")
"""What passes through a slot, by its number of position axes."""


class NormMaker(Protocol):
    """Makes the norm of one slot, e.g. `norm(256)` or `norm(16, dims=2)`."""

    def __call__(self, features: int, dims: int = 0) -> nn.Module:
        """Module for inputs of shape `(n, features, *positions)`.

        Args:
            features: Width of the slot: units or channels.
            dims: Number of position axes: 0 vectors, 1 sequences, 2 images,
                3 volumes.

        Raises:
            BadModel: If this norm has no meaning at such a slot.
        """
        ...


def describe(features: int, dims: int) -> str:
    """Name a slot in an error message; refuse one that cannot exist.

    Raises:
        BadModel: If `features` is not positive or `dims` is not 0, 1, 2 or 3.

    Example:
        >>> describe(16, 2)
        'images of 16 features'
    """
    if not isinstance(features, Integral) or features < 1:
        raise BadModel(f"a norm needs at least 1 feature, not features={features!r}.")
    if dims not in range(len(KINDS)):
        raise BadModel(
            f"a norm needs dims=0 (vectors), 1 (sequences), 2 (images) or "
            f"3 (volumes), not dims={dims!r}."
        )
    return f"{KINDS[dims]} of {features} feature{'s' if features > 1 else ''}"
