"""Loss and accuracy of a network on images it is not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from normlab.base.streams import fork_rng, seeded
from normlab.data.feed import Feed

Loss = Callable[[Tensor, Tensor], Tensor]

# Images at once, at most. Large enough to keep the matrix products busy, small enough
# that a chunk's activations stay in a core's second-level cache.
CHUNK = 500


class Evaluation(NamedTuple):
    """What a network does on a fixed set of images, with *running* statistics."""

    loss: float  # mean over images, nats
    accuracy: float  # fraction
    correct: NDArray[np.bool_]  # (images,)
    unusable: int = 0  # images with an output that is not finite; never right


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
    finite: list[Tensor] = []
    with inference(model), torch.no_grad():
        for inputs, labels in feed.chunks(CHUNK):
            logits = model(inputs)
            total += float(loss(logits, labels)) * len(labels)
            # of scores that are not numbers argmax names the first one
            finite.append(logits.isfinite().all(1))
            correct.append((logits.argmax(1) == labels) & finite[-1])
    hits = torch.cat(correct).cpu().numpy()
    unusable = int((~torch.cat(finite)).sum())
    return Evaluation(total / len(hits), float(hits.mean()), hits, unusable)


def answer_alike(one: nn.Module, other: nn.Module, inputs: Tensor) -> bool:
    """Whether two networks say the same of a batch, in training and in eval mode.

    Both are moved by it; let them be `preserved`.
    """
    with torch.no_grad():
        for training in (True, False):
            answers = []
            for model in (one.train(training), other.train(training)):
                with seeded("alike"):
                    answers.append(model(inputs))
            if not torch.equal(*answers):
                return False
    return True


def depends_on_neighbours(model: nn.Module, inputs: Tensor) -> bool:
    """Whether what a network says of an image depends on those evaluated with it.

    So it is with a norm that uses the batch's statistics in eval mode too. A network
    that draws random numbers then cannot be told; the answer is no.

    Args:
        model: As it is to be evaluated.
        inputs: A few images, `(n, ...)`.
    """
    if len(inputs) < 4:
        return False
    with inference(model), torch.no_grad(), fork_rng():
        together, again = model(inputs), model(inputs)
        apart = torch.cat([model(half) for half in inputs.tensor_split(2)])
    rounding = torch.finfo(together.dtype).eps ** 0.5 * together.abs().max()
    differs = bool((together - apart).abs().max() > rounding)
    return differs and torch.equal(together, again)
