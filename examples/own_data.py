"""Does a norm help to tell rings apart? A comparison from Python, on arrays.

python examples/own_data.py
"""

import numpy as np
from torch import nn

import normlab


def rings(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points on three rings around the origin, with noise; the ring is the class."""
    stream = np.random.default_rng(0)
    ring = stream.integers(3, size=n)
    angle = stream.uniform(0, 2 * np.pi, size=n)
    radius = 1 + ring + stream.normal(0, 0.2, size=n)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points.astype(np.float32), ring


def make(norm, classes):
    """A network around whatever norm an arm has."""
    return nn.Sequential(
        nn.Linear(2, 32),
        norm(32),
        nn.ReLU(),
        nn.Linear(32, 32),
        norm(32),
        nn.ReLU(),
        nn.Linear(32, classes),
    )


if __name__ == "__main__":
    result = normlab.compare(
        data=rings(3000),
        model=make,
        norm=("none", "batch", "noisy(shift=0.2)"),
        lr=0.1,
        seeds=3,
        epochs=2,
        batch_size=50,
        measure="none",
        quiet=True,
    )
    print(result.table())
    print(result.claims())
    print(f"kept in {result.folder}; see it with: normlab show {result.folder}")
