"""Loss and accuracy of a network on images it is not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.data.feed import Feed

Loss = Callable[[Tensor, Tensor], Tensor]

# Large enough to keep the matrix products busy, small enough that a chunk's
# activations stay in a core's second-level cache.
CHUNK = 500


class Evaluation(NamedTuple):
    """What a network does on a fixed set of images, with *running* statistics."""

    loss: float  # mean over images, nats
    accuracy: float  # fraction
    correct: NDArray[np.bool_]  # (images,)


@contextmanager
def inference(model: nn.Module) -> Iterator[None]:
    """Put `model` in eval mode; on exit each module gets its own mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def evaluate(model: nn.Module, feed: Feed, loss: Loss) -> Evaluation:
    """Mean loss and share of right answers, with the *running* statistics.

    Args:
        model: Maps inputs (n, ...) to logits (n, classes).
        feed: The images, in order.
        loss: Mean loss of a batch, from logits and labels.
    """
    total = 0.0
    correct: list[Tensor] = []
    with inference(model), torch.no_grad():
        for inputs, labels in feed.chunks(CHUNK):
            logits = model(inputs)
            total += float(loss(logits, labels)) * len(labels)
            correct.append(logits.argmax(1) == labels)
    hits = torch.cat(correct).cpu().numpy()
    return Evaluation(total / len(hits), float(hits.mean()), hits)
