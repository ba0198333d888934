"""How the loss curves around the networks that are compared at equal training loss."""

from __future__ import annotations

from normlab.records.observed.contract import Array, ProbeArrays, kept


class CurvatureArrays(ProbeArrays, probe="curvature", afterwards=True):
    """Largest eigenvalues of D H D, where two arms' training loss was last equal.

    H is the Hessian on 512 training images, in batches of 64, with respect to the
    weights that all arms have, D the length of each weight's row; 40 Lanczos steps with
    full reorthogonalisation. Of the levels of `levels.npz` the lowest one that both
    arms of a pair reached.

    Source: Ghorbani et al. 2019, arXiv 1901.10159.
    """

    steps: Array = kept(
        "steps taken when the network was kept",
        dtype="int",
        unread="when each arm came to that loss",
    )
    level: Array = kept("which level the training loss had reached", dtype="int")
    loss: Array = kept("training loss of that level", unit="nats")
    eigenvalues: Array = kept(
        "the largest ones, falling, as many as classes and at most 10; nan where the "
        "matrix has fewer",
        "steps order",
        unit="nats",
    )
