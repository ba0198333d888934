"""Along the gradient, along the step that was taken, and from layer to layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from normlab.records.observed.contract import Array, Arrays, Kept, Place, ProbeArrays

_SLOPE, _CURVATURE = "nats / weight", "nats / weight²"
_LATER = "claims about the step that was taken"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ShiftArrays(Arrays):
    """Covariate shift in the gradient of one weight.

    G is the gradient before a step, G′ the same after the layers in front of this one
    have taken it, on the same batch.

    Source: Santurkar et al. 2018, arXiv 1805.11604, Definition 2.1.
    """

    probe = "gradient"
    shift: Annotated[Array, Kept("‖G − G′‖ / ‖G‖")]
    shift_cosine: Annotated[Array, Kept("cosine of the angle between G and G′")]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GradientArrays(ProbeArrays):
    """Loss and its gradient g on two lines through the shared weights, on one batch.

    They start from the weights before a step with learning rate a that moved these by
    u, and follow −a g and u.

    Source: Santurkar et al. 2018, arXiv 1805.11604, section 3.1.
    """

    probe = "gradient"
    lengths: Annotated[
        Array, Kept("where losses are measured, in −a g or u", "lengths")
    ]
    ends: Annotated[Array, Kept("where gradients are too", "ends", unread=_LATER)]
    rate: Annotated[Array, Kept("learning rate a of the step")]
    loss: Annotated[Array, Kept("loss of the step's batch", unit="nats")]
    norm: Annotated[Array, Kept("‖g‖", unit=_SLOPE)]
    loss_along_g: Annotated[
        Array, Kept("loss along −a g", "steps lengths", unit="nats")
    ]
    predictiveness: Annotated[
        Array, Kept("largest change of g along −a g", unit=_SLOPE)
    ]
    beta: Annotated[Array, Kept("the same per distance", unit=_CURVATURE)]
    update_norm: Annotated[Array, Kept("‖u‖", unit="weight", unread=_LATER)]
    loss_along_u: Annotated[
        Array, Kept("loss along u", "steps lengths", unit="nats", unread=_LATER)
    ]
    change_along_u: Annotated[
        Array, Kept("change of g along u", "steps ends", unit=_SLOPE, unread=_LATER)
    ]
    beta_u: Annotated[Array, Kept("largest of it per distance", unit=_CURVATURE)]
    layers: Mapping[Place, ShiftArrays]
    """Weights with those of another layer in front; of more than 8, 8 evenly spread."""
