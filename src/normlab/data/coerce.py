"""Arrays as they are found, as the arrays of a `Part`; or a clear refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.data.reading import Reading
from normlab.data.words import type_of
from normlab.errors import BadData

# writable: torch warns of arrays that it may not write to
_LAYOUT = ("C_CONTIGUOUS", "WRITEABLE")
_EXACT = 2**53  # whole numbers up to here are all there in float64


def checked(values: NDArray[Any], *, where: str) -> NDArray[Any]:
    """The same array, if it holds examples of numbers.

    Raises:
        BadData: If there are no examples, or no numbers.
    """
    if values.dtype.kind not in "buif":
        raise BadData(
            f"{where} holds {type_of(values)}, not numbers. Give uint8 pixels or "
            "floats."
        )
    if values.ndim < 2:
        raise BadData(
            f"{where} has shape {values.shape}; the first axis counts the images and "
            "an image needs at least one more."
        )
    if not values.size:
        raise BadData(f"{where} is empty (shape {values.shape}). Give some images.")
    return values


def as_images(values: NDArray[Any], reading: Reading, *, where: str) -> NDArray[Any]:
    """Examples channels first: uint8 pixels, int64, or floats.

    Floats are float32 where that is what was found, or holds all that can be found;
    else float64, which `narrowed` may make float32 of.

    Args:
        values: What `checked` let pass.
        reading: What it is taken for.
        where: What it is called in an error.

    Raises:
        BadData: If a number is not finite, or too large.

    Example:
        >>> from normlab.data.reading import read_as
        >>> from normlab.spec.data import Data
        >>> values = np.zeros((5, 28, 28))
        >>> reading = read_as(values, [], where="x", spec=Data())
        >>> as_images(values, reading, where="x").shape
        (5, 1, 28, 28)
    """
    kind = {"pixels": np.uint8, "integers": np.int64}.get(reading.numbers)
    if kind is not None:
        _refuse_strange(values, where=where)
        _refuse_too_wide(values, where=where)
        return np.require(reading.laid_out(values), kind, _LAYOUT)
    if values.dtype.kind in "ui" and values.dtype.itemsize == 8:
        _refuse_inexact(values, where=where)
    _refuse_strange(values, where=where)
    # all numbers of these types are there in float32, too
    small = values.dtype.itemsize < 4 or values.dtype.str[1:] == "f4"
    wanted = np.float32 if small else np.float64
    return np.require(reading.laid_out(values), wanted, _LAYOUT)


def _refuse_strange(values: NDArray[Any], *, where: str) -> None:
    if values.dtype.kind != "f":
        return
    with np.errstate(over="ignore"):
        largest = np.float64(np.finfo(np.float32).max)
        # a sum is not finite if a number is not: no array of truth values is needed
        total = values.sum(dtype=np.float64)
    if np.isfinite(total) and (
        values.dtype.itemsize <= 4 or max(-values.min(), values.max()) <= largest
    ):
        return
    strange = np.argwhere(~(np.abs(values) <= largest))
    if len(strange):
        place = strange[0]
        raise BadData(
            f"{where} holds {values[tuple(place)]} in image {place[0]}. "
            "Give finite numbers."
        )


def _refuse_too_wide(values: NDArray[Any], *, where: str) -> None:
    """Refuse whole numbers that int64 does not hold."""
    ends = int(values.min()), int(values.max())
    if ends[0] < -(2**63) or ends[1] >= 2**63:
        raise BadData(
            f"{where} holds {max(ends, key=abs)}, and whole numbers of at most 64 bits "
            "are kept. Number them anew, from 0."
        )


def _refuse_inexact(values: NDArray[Any], *, where: str) -> None:
    ends = int(values.min()), int(values.max())
    if max(-ends[0], ends[1]) > _EXACT:
        raise BadData(
            f"{where} holds whole numbers up to {max(ends, key=abs)}, of which the "
            "last digits would be lost. Subtract a constant before, or leave it out."
        )
