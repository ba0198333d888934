"""The largest curvature of the loss, beside what gradient descent can stand."""

from __future__ import annotations

from normlab.records.observed.contract import Array, ProbeArrays, kept

_CURVATURE = "nats / weight²"


class SharpnessArrays(ProbeArrays, probe="sharpness", afterwards=True):
    """Largest Hessian eigenvalue on 256 training images, of runs with SGD.

    After epoch 1 and at the end; of the network that was kept then, batches of 64.

    Source: Cohen et al. 2021, arXiv 2103.00065.
    """

    eigenvalue: Array = kept("largest eigenvalue", unit=_CURVATURE)
    limit: Array = kept("2 / a at learning rate a", unit=_CURVATURE)
    momentum_limit: Array = kept("(2 + 2 m) / a with momentum m", unit=_CURVATURE)
