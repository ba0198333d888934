"""The article's training steps as one compiled jax loop: a peer for `floor.py`.

Optional: jax is no dependency of normlab. The whole block of steps is one `scan` under
`jit`, so nothing of Python runs between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

Parameters = list[tuple[jax.Array, ...]]  # weight, bias, gamma, beta of each layer
RATE, MOMENTUM, EPS = 0.01, 0.9, 1e-5


def jax_loop(
    arm: str,
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
    widths: Sequence[tuple[int, int]],
) -> Callable[[NDArray[np.int64]], None]:
    """Takes index arrays (steps, batch) and trains a network kept inside."""
    x, y = jnp.asarray(images), jnp.asarray(labels)

    def loss_of(parameters: Parameters, chosen: jax.Array) -> jax.Array:
        h = x[chosen]
        *hidden, (weight, bias, *_) = parameters
        for inner, offset, gamma, beta in hidden:
            h = h @ inner + offset
            if arm == "batch":
                h = gamma * (h - h.mean(0)) / jnp.sqrt(h.var(0) + EPS) + beta
            h = jax.nn.relu(h)
        scores = jax.nn.log_softmax(h @ weight + bias)
        return -jnp.take_along_axis(scores, y[chosen][:, None], axis=1).mean()

    def step(state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        parameters, buffers = state
        loss, slope = jax.value_and_grad(loss_of)(parameters, chosen)
        buffers = jax.tree.map(lambda m, g: MOMENTUM * m + g, buffers, slope)
        moved = jax.tree.map(lambda p, m: p - RATE * m, parameters, buffers)
        return (moved, buffers), loss

    train = jax.jit(
        lambda state, batches: jax.lax.scan(step, state, batches), donate_argnums=0
    )
    parameters = _initial(widths)
    kept = {"state": (parameters, jax.tree.map(jnp.zeros_like, parameters))}

    def run(batches: NDArray[np.int64]) -> None:
        kept["state"], losses = train(kept["state"], jnp.asarray(batches))
        losses.block_until_ready()

    return run


def _initial(widths: Sequence[tuple[int, int]]) -> Parameters:
    keys = jax.random.split(jax.random.key(0), len(widths))
    return [
        (
            jax.random.uniform(key, (i, o), minval=-1.0, maxval=1.0) / i**0.5,
            jnp.zeros(o),
            jnp.ones(o),
            jnp.zeros(o),
        )
        for key, (i, o) in zip(keys, widths, strict=True)
    ]
