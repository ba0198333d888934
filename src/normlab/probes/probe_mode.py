"""The network as probes measure it: *batch* statistics, no noise."""

from __future__ import annotations

from torch import nn

from normlab.norms.recognize import keeps_averages


def probe_mode_(model: nn.Module) -> None:
    """Let norms use the statistics of the batch, and switch dropout off, in place.

    Everything goes to eval mode but the norms that know batch statistics; one of
    them that is in eval mode while the network trains is frozen on purpose and
    stays so. To be called inside `preserved(model)`, on a network in training.
    """
    norms = [
        module
        for module in model.modules()
        if keeps_averages(module) and module.training
    ]
    model.eval()
    for norm in norms:
        norm.training = True
