"""The reference comparison: a network of 512 and 256 ReLU units on MNIST.

It follows Tiroshan Madushanka, "Batch Normalization in Neural Networks", zero-to
(Medium), 3 June 2024.
"""

from __future__ import annotations

from normlab.experiments.experiment import Experiment, Statement

_ARTICLE = "Madushanka 2024"
_STATED = {
    "smoother-surface": "the loss surface is smoother",
    "rounder-contours": "the contours of the loss are rounder, not stretched",
    "straighter-path": "the path to the minimum is more direct",
    "steadier-activations": "the distributions of activations are steadier",
    "less-covariate-shift": "internal covariate shift is reduced",
    "predictable-steps": "small parameter changes change the loss predictably",
    "steadier-training": "training is more stable",
    "faster-convergence": "training converges faster",
    "better-accuracy": "the accuracy on the test set is better",
}

# every default of a study is that of the reference comparison
EXPERIMENT = Experiment(
    name="article",
    title="What does batch norm do to the reference network?",
    differs=(
        "The article shows one start of each network; here are five pairs of twins."
    ),
    picture="surface-common",
    statements=tuple(
        Statement(says=says, source=_ARTICLE, claim=claim, arm="batch")
        for claim, says in _STATED.items()
    ),
)
