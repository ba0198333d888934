"""One tensor or array among a user's data."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from normlab.errors import BadData, described
from normlab.user_code import refusing

_NUMBERS = np.ndarray | np.generic | int | float | complex | str | bytes | list | tuple
_WIDER = {np.uint16: np.int32, np.uint32: np.int64}  # torch takes no rows of these


def is_numbers(value: Any) -> bool:
    """Whether a list or tuple is one row of numbers."""
    return all(isinstance(x, int | float | complex | np.generic) for x in value)


def leaf(value: Any) -> Any:
    """A tensor or an array of numbers, of which examples can be taken.

    Raises:
        BadData: If it is none.
    """
    if hasattr(value, "to_numpy"):
        raise BadData(
            f"data: a {type(value).__name__} of a table library. Pass its"
            " .to_numpy(), with numbers only."
        )
    if isinstance(value, Tensor):
        _refuse_unlikerows_of(value)
        return value
    if not isinstance(value, _NUMBERS):
        raise BadData(
            f"data: a {type(value).__name__} is no tensor. Turn it into one, for"
            " example in the dataset's transform."
        )
    with refusing(
        lambda error: BadData(
            f"data: a {type(value).__name__} makes no array ({described(error)})."
        )
    ):
        if isinstance(value, list) and value and isinstance(value[0], Tensor):
            return torch.stack([torch.as_tensor(x) for x in value])
        array = np.asarray(value)
    if array.dtype.kind in "US":
        raise BadData(
            "data: there is text in it, and a network takes numbers. Number labels, for"
            " example with np.unique(labels, return_inverse=True)[1]."
        )
    if array.dtype.kind not in "biufc":
        raise BadData(
            f"data: a {type(value).__name__} holds what are no numbers. Pass tensors or"
            " arrays of numbers."
        )
    if not isinstance(value, np.ndarray | np.generic) and array.dtype == np.float64:
        array = array.astype(_default())  # as torch makes tensors of Python's numbers
    return array


def _refuse_unlikerows_of(tensor: Tensor) -> None:
    """Refuse a tensor of which no rows can be taken as they are."""
    if tensor.is_nested:
        kind, remedy = "nested", "rows padded to one length"
    elif tensor.layout != torch.strided:
        kind = str(tensor.layout).removeprefix("torch.")
        remedy = "its .to_dense()"
    elif tensor.is_quantized:
        kind, remedy = "quantized", "its .dequantize()"
    elif tensor.is_meta:
        kind, remedy = "on the meta device, without values", "one that has some"
    else:
        return
    raise BadData(
        f"data: a tensor is {kind}, of which no examples can be taken. Pass {remedy}."
    )


def _default() -> type:
    return np.float64 if torch.get_default_dtype() == torch.float64 else np.float32


def rows_of(values: Any, order: Tensor) -> Tensor:
    """The examples of these numbers."""
    if isinstance(values, Tensor):
        return values[order.to(values.device)].detach()
    return tensor_of(values[order.numpy()])


def tensor_of(array: Any) -> Tensor:
    """A tensor of its own memory, whatever the array's layout is."""
    kind = _WIDER.get(array.dtype.type, array.dtype.newbyteorder("="))
    return torch.from_numpy(np.array(array, dtype=kind, order="C"))
