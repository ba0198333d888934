"""Mean and standard deviation of the inputs, per channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 64  # images; what is converted at once fits the cache: twice as fast


def moments(images: NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    r"""Mean and standard deviation of each channel over all images and places.

    $\mu=\frac1n\sum p$ and $\sigma=\sqrt{\frac1n\sum(p-\mu)^2}$, the biased one, as
    it describes these images and estimates nothing. Of uint8 images p is a 255th
    of the stored number, and the sums are exact: they do not depend on the order
    or the machine. A channel that never changes has that value as its mean and gets
    $\sigma=1$, which leaves it at zero instead of dividing by zero.

    Args:
        images: uint8, float32 or float64. Of shape (n, channels, ...) each channel
            has its numbers. Of shape (n, features) there are no places to average over:
            float features, which may have different units, are each a channel;
            uint8 ones are pixels of one channel.

    Returns:
        Mean and standard deviation, one number each per channel.

    Example:
        >>> moments(np.array([[[[0, 255]]]], np.uint8))
        ((0.5,), (0.5,))
    """
    n = len(images)
    exact = images.dtype == np.uint8
    channels = 1 if exact and images.ndim == 2 else images.shape[1]
    by_channel = images.reshape(n, channels, -1)
    mean, std = _exact(by_channel) if exact else _rounded(by_channel)
    return tuple(mean.tolist()), tuple(np.where(std == 0, 1.0, std).tolist())


def extremes(images: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Smallest and largest number of each channel, shape (channels,) each.

    Example:
        >>> extremes(np.array([[1.0, 5.0], [2.0, 4.0]]))
        (array([1., 4.]), array([2., 5.]))
    """
    by_channel = images.reshape(len(images), images.shape[1], -1)
    # first over the examples: their axis is the outer one, so this runs in order
    return by_channel.min(axis=0).min(axis=1), by_channel.max(axis=0).max(axis=1)


def _exact(pixels: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
    n, channels, places = pixels.shape
    count = n * places
    mean, std = np.empty(channels), np.empty(channels)
    for channel in range(channels):
        seen = np.zeros(256, np.int64)
        for start in range(0, n, _CHUNK):
            chunk = pixels[start : start + _CHUNK, channel]
            seen += np.bincount(chunk.reshape(-1), minlength=256)
        # Python's integers have no largest one: nothing is rounded or cancels
        # before the division
        total = sum(value * int(times) for value, times in enumerate(seen))
        squares = sum(value**2 * int(times) for value, times in enumerate(seen))
        mean[channel] = total / count / 255
        std[channel] = ((count * squares - total**2) / count**2) ** 0.5 / 255
    return mean, std


def _rounded(values: NDArray[np.floating]) -> tuple[NDArray[Any], NDArray[Any]]:
    smallest, largest = extremes(values)
    mean = values.mean(axis=(0, 2), dtype=np.float64)
    # a mean of equal numbers is rounded, and its distance to them is no deviation
    mean = np.where(smallest == largest, smallest, mean).astype(np.float64)
    # by a power of two, which rounds nothing: squares of tiny numbers would be zero
    power = np.frexp(np.maximum(largest - mean, mean - smallest))[1].clip(-1000)
    scale = np.ldexp(1.0, -power)[:, np.newaxis]
    squares = np.zeros_like(mean)
    for start in range(0, len(values), _CHUNK):
        x = (values[start : start + _CHUNK] - mean[:, np.newaxis]) * scale
        squares += np.einsum("ncp,ncp->c", x, x)
    return mean, np.ldexp(np.sqrt(squares / (len(values) * values.shape[2])), power)
