"""A short text that is equal exactly when two tensors hold the same bits."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def digest(values: Tensor | NDArray[np.generic]) -> str:
    """BLAKE2b-128 over element type, shape and bytes, as 32 hexadecimal digits.

    A tensor and an array of the same numbers have the same digest, wherever they
    live and however they are strided. It compares bits: 0.0 and -0.0 differ.

    Args:
        values: Any shape; any element type but Python objects.

    Raises:
        TypeError: If the array holds Python objects, which have no bytes.

    Example:
        >>> digest(torch.arange(3)) == digest(np.arange(3))
        True
        >>> digest(torch.zeros(2, 3)) == digest(torch.zeros(3, 2))
        False
    """
    if isinstance(values, Tensor):
        # a clone, for contiguous() leaves the odd strides of empty tensors; and
        # bytes, for NumPy has no bfloat16
        plain = values.detach().cpu().clone(memory_format=torch.contiguous_format)
        kind = str(plain.dtype).removeprefix("torch.")
        content = plain.reshape(-1).view(torch.uint8).numpy()
    else:
        plain = _native(np.asarray(values))
        kind = plain.dtype.name
        content = plain.reshape(-1).view(np.uint8)
    told = blake2b(f"{kind} {tuple(plain.shape)} ".encode(), digest_size=16)
    told.update(content.data)
    return told.hexdigest()


def combined(digests: Mapping[str, str]) -> str:
    """One digest for many named ones."""
    text = repr(sorted(digests.items()))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _native(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """The same values, contiguous and in this machine's byte order."""
    if array.dtype.hasobject:
        raise TypeError("an array of Python objects has no digest: give it a dtype.")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return np.asarray(array, order="C")
