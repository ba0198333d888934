"""A small convolutional network, built around whatever norm an arm has."""

from torch import nn


def make(norm, classes):
    """Two strided convolutions and a linear layer; `norm` fills the slots."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2),
        norm(8, dims=2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 5, stride=2),
        norm(16, dims=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, classes),
    )
