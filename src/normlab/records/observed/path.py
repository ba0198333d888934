"""The path through weight space: how long steps are, and how they turn."""

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

_FAR = "distance_steps"


class UpdateArrays(Arrays, probe="path"):
    """The same of one weight alone."""

    norm: Array = kept("‖u‖", unit="weight", unread="comparing layers")
    cosine: Array = kept("cosine of u with the next update", unread="comparing layers")


class PathArrays(ProbeArrays, probe="path"):
    """Updates u of the shared weights, in bursts of successive steps."""

    momentum: Array = kept("momentum of SGD; nan with other optimizers", "")
    norm: Array = kept("‖u‖", unit="weight")
    cosine: Array = kept("cosine of u with the next update")
    distance_steps: Array | None = kept(
        "steps where bursts begin, and the last", _FAR, dtype="int", default=None
    )
    distance: Array | None = kept(
        "distance from the start", _FAR, unit="weight", default=None
    )
    weights: Mapping[Place, UpdateArrays] = places(UpdateArrays)
