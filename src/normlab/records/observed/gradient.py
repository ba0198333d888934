"""Along the gradient, along the step that was taken, and from layer to layer."""

from __future__ import annotations

from collections.abc import Mapping

from normlab.records.observed.contract import (
    Array,
    Arrays,
    Place,
    ProbeArrays,
    kept,
    places,
)

_AT_LENGTHS, _AT_ENDS = "steps lengths", "steps ends"
_SLOPE, _CURVATURE = "nats / weight", "nats / weight²"
_ONCE_MORE = "computing the smoothness along u again"


class ShiftArrays(Arrays, probe="gradient"):
    """Covariate shift in the gradient of a weight that others stand in front of.

    G is the gradient before a step, G′ the same after the layers in front have taken
    it, on the same batch. Of more than 8 weights 8 are looked at, evenly spread.

    Source: Santurkar et al. 2018, arXiv 1805.11604, Definition 2.1.
    """

    shift: Array = kept("‖G − G′‖ / ‖G‖")
    shift_cosine: Array = kept("cosine of the angle between G and G′")


class GradientArrays(ProbeArrays, probe="gradient"):
    """Loss and its gradient g on two lines through the shared weights, on one batch.

    They start from the weights before a step with learning rate a that moved these by
    u, and follow u; and −a g at every third moment, for what is judged are steps taken.

    Source: Santurkar et al. 2018, arXiv 1805.11604, section 3.1.
    """

    lengths: Array = kept("where losses are measured, in −a g or u", "lengths")
    ends: Array = kept("where gradients are too", "ends", unread=_ONCE_MORE)
    rate: Array = kept("learning rate a of the step")
    loss: Array = kept("loss of the step's batch", unit="nats")
    norm: Array = kept("‖g‖", unit=_SLOPE)
    against: Array = kept("whether −a g was followed; if not, nan below", dtype="bool")
    loss_along_g: Array = kept("loss along −a g", _AT_LENGTHS, unit="nats")
    predictiveness: Array = kept("largest ‖g − g there‖ along −a g", unit=_SLOPE)
    beta: Array = kept("largest ‖g − g there‖ / distance along −a g", unit=_CURVATURE)
    update_norm: Array = kept("‖u‖", unit="weight", unread=_ONCE_MORE)
    loss_along_u: Array = kept("loss along u", _AT_LENGTHS, unit="nats")
    slope_along_u: Array = kept("⟨g, u⟩, the change that g predicts", unit="nats")
    change_along_u: Array = kept(
        "‖g − g there‖ along u", _AT_ENDS, unit=_SLOPE, unread=_ONCE_MORE
    )
    beta_u: Array = kept("largest ‖g − g there‖ / distance along u", unit=_CURVATURE)
    beta_u_by_row: Array = kept(
        "largest ‖D (g − g there)‖ / ‖D⁻¹ (way there)‖ along u, D: length of each "
        "number's row at the start; rows of length 0 left out",
        unit="nats",
    )
    row_length: Array = kept("geometric mean of D over the numbers", unit="weight")
    layers: Mapping[Place, ShiftArrays] = places(ShiftArrays)
