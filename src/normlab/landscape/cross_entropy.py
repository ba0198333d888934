"""The default loss, laid out for the few classes that a classifier has."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy, as `torch.nn.functional.cross_entropy` means it.

    With ten classes torch's softmax over the last axis leaves most of a vector
    register empty: over the first axis it takes 35 us instead of 156 for 768
    examples, in a loop where a point has 45 ms.
    """
    if outputs.ndim != 2 or targets.is_floating_point():
        return functional.cross_entropy(outputs, targets)
    logarithms = functional.log_softmax(outputs.t().contiguous(), dim=0)
    return functional.nll_loss(logarithms.t(), targets)
