"""Tensors of weights as vectors of real numbers in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
Vector = NDArray[np.float64]


def flat(array: NDArray[Any]) -> Vector:
    """All numbers in a row; a complex one is two, its real and imaginary part.

    Example:
        >>> flat(np.array([[1.0, 2.0]])), flat(np.array([1 + 2j]))
        (array([1., 2.]), array([1., 2.]))
    """
    if np.iscomplexobj(array):
        return np.asarray(array, np.complex128).ravel().view(np.float64)
    return np.asarray(array, np.float64).ravel()


def shaped(vector: Vector, like: NDArray[Any]) -> NDArray[Any]:
    """The vector as a tensor of this shape and type: what `flat` made flat."""
    numbers = vector.view(np.complex128) if np.iscomplexobj(like) else vector
    return numbers.reshape(np.shape(like)).astype(like.dtype)


def dot(one: Mapping[str, Vector], other: Mapping[str, Vector]) -> float:
    r"""The inner product $\sum_i x_i y_i$ over all tensors of the first."""
    return float(sum(np.vdot(one[name], other[name]) for name in one))


def length(vector: Mapping[str, Vector]) -> float:
    r"""The Euclidean norm over all tensors."""
    return float(np.sqrt(dot(vector, vector)))
