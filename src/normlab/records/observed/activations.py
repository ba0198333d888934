"""What hidden units see on a fixed batch, from one probed step to the next."""

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

_UNITS, _IMAGES, _ANY = "steps units", "steps images", "steps ..."
_MEAN, _STD = "mean over images and positions", "standard deviation (by n)"
_UNIT = "the unit whose values are kept: the same wherever there are as many"
_VALUES = "of one unit for every image, at one position"
_OTHER_NORMS = "norms that do not normalise unit by unit"


class HiddenArrays(Arrays, probe="activations"):
    """Input of a nonlinearity; in a network without any, output of a norm's slot."""

    unit: Array = kept(_UNIT, "", dtype="int")
    chosen: Array = kept(
        "units that are followed", "chosen", dtype="int", unread="finding these again"
    )
    in_mean: Array = kept(_MEAN, _UNITS)
    in_std: Array = kept(_STD, _UNITS)
    in_percentiles: Array = kept("percentiles 15, 50, 85 of all units", "steps 3")
    in_unit_percentiles: Array = kept("the same of one unit", "steps 3")
    in_values: Array = kept(f"values {_VALUES}", _IMAGES)
    dead: Array | None = kept(
        "positive for no image; not of sigmoid and tanh",
        _UNITS,
        dtype="bool",
        default=None,
    )
    saturated: Array | None = kept(
        "share of values within .01 of the reach of sigmoid or tanh",
        _UNITS,
        default=None,
    )
    correlation: Array | None = kept(
        "correlation with the same unit's values at the end, if the run came there",
        "steps chosen",
        default=None,
    )


class NormArrays(Arrays, probe="activations"):
    """Input x of a norm, and x̂, what it makes of it before gain and shift.

    Where units cannot be told from positions there is neither.
    """

    unit: Array | None = kept(_UNIT, "", dtype="int", default=None)
    gamma: Array | None = kept("gain", _ANY, default=None)
    beta: Array | None = kept("shift", _ANY, default=None)
    running_mean: Array | None = kept("running average", _ANY, default=None)
    running_var: Array | None = kept("running variance", _ANY, default=None)
    x_mean: Array | None = kept(_MEAN, _UNITS, default=None)
    x_std: Array | None = kept(_STD, _UNITS, default=None)
    x_values: Array | None = kept(f"x {_VALUES}", _IMAGES, default=None)
    xhat_mean: Array | None = kept(_MEAN, _UNITS, unread=_OTHER_NORMS, default=None)
    xhat_std: Array | None = kept(_STD, _UNITS, unread=_OTHER_NORMS, default=None)
    xhat_values: Array | None = kept(f"x̂ {_VALUES}", _IMAGES, default=None)


class ActivationArrays(ProbeArrays, probe="activations"):
    """The probe batch: training images, passed through with their own statistics."""

    images: Array = kept("their numbers", "images", dtype="int", unread="finding them")
    labels: Array = kept("their labels", "images ...", dtype="number")
    shown: Array = kept("the first of them, as given", "shown ...", dtype="number")
    hidden: Mapping[Place, HiddenArrays] = places(HiddenArrays)
    norms: Mapping[Place, NormArrays] = places(NormArrays)
