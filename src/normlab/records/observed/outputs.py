"""The path through function space: what the network says about the same images."""

from __future__ import annotations

from normlab.records.observed.contract import Array, ProbeArrays, kept


class OutputArrays(ProbeArrays, probe="outputs"):
    """What the network says of images of the probe batch, by their own statistics."""

    probabilities: Array = kept(
        "softmax over the classes (last axis); of many classes for fewer images",
        "steps first ...",
    )
