"""What a run is examined on between its steps: test images and held-out ones."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from normlab.base.streams import ambient
from normlab.data.dataset import Dataset
from normlab.data.feed import Feed
from normlab.train.evaluate import Evaluation, Loss, evaluate

# The fixed slice of test images that is looked at between epochs.
GLIMPSED = 2_000


class Exam:
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
        some = np.arange(min(GLIMPSED, len(dataset.test)))
        parts = {"test": dataset.test, "slice": dataset.test.chosen(some)}
        if dataset.validation is not None:
            parts["validation"] = dataset.validation
        self._feeds = {
            name: Feed(part, dataset.mean, dataset.std, device)
            for name, part in parts.items()
        }

    def test(self, step: int) -> Evaluation:
        """On all test images."""
        return self._on("test", step)

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

    def _on(self, part: str, step: int) -> Evaluation:
        # a network may draw random numbers even in eval mode: not training's ones
        with ambient(self._seed, "evaluate", step):
            return evaluate(self._model, self._feeds[part], self._loss)


def finite_or_none(value: float) -> float | None:
    """The value as records keep it: what is not finite is unknown.

    Example:
        >>> finite_or_none(0.5), finite_or_none(math.inf)
        (0.5, None)
    """
    return value if math.isfinite(value) else None
