"""Noisy batch norm: activations made unstable on purpose."""

from __future__ import annotations

from normlab.experiments.experiment import Experiment, Statement

_SOURCE = "Santurkar, Tsipras, Ilyas and Madry 2018, section 2"

EXPERIMENT = Experiment(
    name="noisy-batch-norm",
    title="Does batch norm still help when its output is shifted and scaled at random?",
    differs=(
        "Santurkar et al. train a VGG network on CIFAR-10 (not checked); here it is a "
        "network of two hidden layers on MNIST. About as fast means within 5 % of the "
        "steps, about as accurate within 0.1 points."
    ),
    picture="drift",
    default={"arms": ("none", "batch", "noisy")},
    full={"seeds": tuple(range(10)), "recipe": {"epochs": 20}},
    statements=(
        Statement(
            says="with noise behind the norms, training is still faster than without "
            "norms",
            source=_SOURCE,
            claim="faster-convergence",
            arm="noisy",
        ),
        Statement(
            says="it is about as fast as with batch norm itself",
            source=_SOURCE,
            claim="faster-convergence",
            arm="noisy",
            against="batch",
            expects=frozenset({"no-difference"}),
        ),
        Statement(
            says="it is about as accurate as batch norm itself",
            source=_SOURCE,
            claim="better-accuracy",
            arm="noisy",
            against="batch",
            expects=frozenset({"no-difference"}),
        ),
        Statement(
            says="batch norm does not reduce internal covariate shift, measured in "
            "gradients",
            source=_SOURCE,
            claim="less-covariate-shift",
            arm="batch",
            expects=frozenset({"contradicted", "no-difference"}),
        ),
    ),
)
