"""How much the loss rises around the end of a run."""

from __future__ import annotations

from normlab.records.observed.contract import Array, ProbeArrays, kept


class RiseArrays(ProbeArrays, probe="rises", afterwards=True):
    """Loss at random places around the trained network, on 512 training images.

    In random directions whose filters are as long as those of the weights.

    Source: Li et al. 2018, arXiv 1712.09913.
    """

    steps: Array = kept(
        "steps taken at the end", dtype="int", unread="rises on the way"
    )
    loss: Array = kept(
        "loss of the network itself", unit="nats", unread="rises in shares of it"
    )
    radii: Array = kept("distances, in lengths of the weights' filters", "radii")
    rise: Array = kept(
        "by how much the loss is higher there; sides are + and -",
        "steps directions radii sides",
        unit="nats",
    )
