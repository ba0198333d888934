"""What a source of networks is given beside the code that builds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normlab.base.digest import combined, digest
from normlab.nets.answers import Part

if TYPE_CHECKING:
    from normlab.nets.own_norm import OwnNorm


@dataclass(frozen=True)
class Weights:
    """All tensors of a network, which every seed starts from.

    Attributes:
        name: What errors call them.
        arrays: By the names of its parameters and buffers.
    """

    name: str
    arrays: Mapping[str, NDArray[Any]]

    @cached_property
    def digest(self) -> str:
        """Of names and bits."""
        return combined({n: digest(np.asarray(a)) for n, a in self.arrays.items()})


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The same for networks from wherever.

    Attributes:
        norms: Norms of the user's own, by arm.
        weights: What every seed starts from; None if each draws its own.
        output: Which part of the answer holds the scores; None if it is they.
    """

    norms: Mapping[str, OwnNorm] = field(default_factory=dict, compare=False)
    weights: Weights | None = field(default=None, compare=False)
    output: Part | None = None
