"""What a run is examined on between its steps: test images and held-out ones."""

from __future__ import annotations

import math
from contextlib import suppress

import numpy as np
import torch
from torch import nn

from normlab.base.hold import preserved
from normlab.base.streams import seeded
from normlab.data.dataset import Dataset
from normlab.data.feed import Feed
from normlab.train.evaluate import (
    Evaluation,
    Loss,
    depends_on_neighbours,
    evaluate,
)

# Test images that are looked at between epochs too: a fixed slice of them.
GLIMPSED = 2_000
COMPARED = 64  # test images, together and in halves


class Evaluator:
    """Evaluates one network, with the *running* statistics, and leaves no trace.

    Args:
        model: In training; its modes are put back.
        dataset: With the test part, and maybe images held out of the training part.
        loss: Mean loss of a batch.
        seed: Of the run.
        device: Where the images are fed to.
    """

    def __init__(
        self,
        model: nn.Module,
        dataset: Dataset,
        loss: Loss,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        self._model = model
        self._loss = loss
        self._seed = seed
        # evenly spread: the first images of MNIST's test part are the harder ones
        number = np.arange(len(dataset.test))
        self._glimpsed = number % -(-len(number) // GLIMPSED) == 0
        parts = {"slice": dataset.test.chosen(number[self._glimpsed])}
        if not self._glimpsed.all():
            parts["rest"] = dataset.test.chosen(number[~self._glimpsed])
        if dataset.validation is not None:
            parts["validation"] = dataset.validation
        self._feeds = {
            name: Feed(part, dataset.mean, dataset.std, device)
            for name, part in parts.items()
        }

    def test(self, step: int, *, glimpse: Evaluation | None = None) -> Evaluation:
        """On all test images; the slice is spared if its glimpse at them is given."""
        seen = glimpse or self.glimpse(step)
        if "rest" not in self._feeds:
            return seen
        rest = self._on("rest", step)
        correct = np.empty(len(self._glimpsed), bool)
        correct[self._glimpsed], correct[~self._glimpsed] = seen.correct, rest.correct
        total = seen.loss * len(seen.correct) + rest.loss * len(rest.correct)
        unusable = seen.unusable + rest.unusable
        accuracy = float(correct.mean())
        return Evaluation(total / len(correct), accuracy, correct, unusable)

    def glimpse(self, step: int) -> Evaluation:
        """On the fixed slice of the test images."""
        return self._on("slice", step)

    def metrics(self, step: int) -> dict[str, float]:
        """On the held-out images: loss and accuracy; empty if none are held out."""
        if "validation" not in self._feeds:
            return {}
        found = self._on("validation", step)
        return {
            "validation_loss": found.loss,
            "validation_accuracy": found.accuracy,
        }

    def depends_on_chunk(self) -> bool:
        """Whether the test result depends on which images are evaluated together."""
        feed = self._feeds["slice"]
        inputs, _ = feed.take(torch.arange(min(COMPARED, len(feed))))
        # a network that takes whole chunks alone has been evaluated by now as well
        with preserved(self._model), seeded(self._seed, "chunks"), suppress(Exception):
            return depends_on_neighbours(self._model, inputs)
        return False

    def _on(self, part: str, step: int) -> Evaluation:
        # a network may draw random numbers even in eval mode: not training's ones; and
        # what it remembers of test images must not come back into training
        with preserved(self._model), seeded(self._seed, "evaluate", step):
            return evaluate(self._model, self._feeds[part], self._loss)


def finite_or_none(value: float) -> float | None:
    """The value as records keep it: what is not finite is unknown.

    Example:
        >>> finite_or_none(0.5), finite_or_none(math.inf)
        (0.5, None)
    """
    return value if math.isfinite(value) else None
