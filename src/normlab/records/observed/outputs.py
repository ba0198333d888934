"""The path through function space: how far what the network says moves."""

from __future__ import annotations

from normlab.records.observed.contract import Array, ProbeArrays, kept

_BURSTS, _STRIDES = "burst_steps", "strides"


class OutputArrays(ProbeArrays, probe="outputs"):
    """How far what the network says of images of the probe batch moves in epoch 1.

    f is the square root of its softmax over the classes, by the images' own statistics.
    Its way is measured in bursts of ten successive steps, and as it looks from d steps
    to d steps; of an epoch of fewer than 100 steps it is not.
    """

    burst_steps: Array = kept("steps where bursts begin", _BURSTS, dtype="int")
    burst_net: Array = kept("distance of f from beginning to end", _BURSTS)
    burst_sum: Array = kept("sum of the distances of its steps", _BURSTS)
    burst_cosine: Array = kept(
        "mean cosine of its steps with the rest of the way to the end of epoch 1",
        _BURSTS,
    )
    strides: Array = kept("d, in steps", _STRIDES, dtype="int")
    stride_net: Array = kept(
        "distance of f from step 0 to the last multiple of d", _STRIDES
    )
    stride_sum: Array = kept(
        "sum of the distances between multiples of d; for d = 1 estimated from bursts",
        _STRIDES,
    )
