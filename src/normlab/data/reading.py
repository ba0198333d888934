"""What arrays are taken for: which axes an example has, and what its numbers are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isqrt, prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from normlab.data.words import counted
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Axes, Data

Numbers = Literal["pixels", "numbers", "integers"]

VERSION = "2"
"""Of these rules. A study notes it: under others the same files are other data."""

_CHUNK = 256  # examples; looked through at once
_USUAL = (1, 3, 4)  # numbers of channels that pictures have
_SMALLEST = 4  # pixels a side of a picture that a row of columns is taken for
_PLAIN = 8  # from here on columns need not be alike to be a picture
_LIKE = 8  # columns are alike if none spans less than an eighth of the widest


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the arrays of a source are taken; the same for all its parts.

    Attributes:
        axes: Of an example, in the order they were found in: c (channels), d, h, w
            (depth, height, width), l (length), or f (features).
        shape: Of an example, channels first.
        numbers: *pixels* are whole numbers from 0 to 255, kept as bytes; *integers*
            are kept as they are; all others are *numbers*.
        notes: What was decided and may not be what was meant.
    """

    axes: str
    shape: Sequence[int]
    numbers: Numbers
    notes: tuple[str, ...] = ()

    def laid_out(self, values: NDArray[Any]) -> NDArray[Any]:
        """The same examples, channels first; a view where that is possible."""
        if self.axes == "f" or self.numbers == "integers":
            return values
        if values.ndim - 1 != len(self.axes):  # a picture in one row
            values = values.reshape(len(values), *_unrolled(self.axes, values.shape[1]))
        if "c" not in self.axes:
            return values[:, np.newaxis]
        return np.moveaxis(values, 1 + self.axes.index("c"), 1)

    def __str__(self) -> str:
        """The shape of an example in words, as for a line about the data."""
        if self.axes == "f":
            if len(self.shape) > 1:  # kept as they are
                return f"examples of {' x '.join(map(str, self.shape))}"
            return counted(
                self.shape[0], "feature" if self.numbers == "numbers" else "value"
            )
        channels = counted(self.shape[0], "channel")
        if "l" in self.axes:
            return f"sequences of {self.shape[1]}, {channels}"
        sides = " x ".join(map(str, self.shape[1:]))
        return f"{'volumes' if 'd' in self.axes else 'images'} of {sides}, {channels}"


def read_as(
    train: NDArray[Any],
    others: Sequence[NDArray[Any]],
    *,
    where: str,
    spec: Data,
    known: Axes | None = None,
    kept: bool = False,
) -> Reading:
    """Decide once, by the training part, what the arrays of all parts are.

    Args:
        train: Numbers, examples along the first axis.
        others: Of the other parts.
        where: What `train` is called in an error.
        spec: `axes` and `integers` say it; with `mean` numbers stay on their scale.
        known: The axes that the source says, unless `spec` does.
        kept: Whether only bytes are pixels: images that are read anew may hold
            fractions the next time.

    Raises:
        BadData: If it cannot be told which axis holds the channels.
        BadSetting: If `spec.axes` does not fit the shape.

    Example:
        >>> grey = np.zeros((5, 28, 28), np.uint8)
        >>> print(read_as(grey, [], where="x", spec=Data()))
        images of 28 x 28, 1 channel
    """
    whole = whole_bytes(train) and all(map(whole_bytes, others))
    said = spec.axes or known
    if known == "chw" and said != known:
        raise BadSetting(
            f"data.axes={said} is for arrays; {where} holds images, whose axes are "
            "known. Leave it out."
        )
    axes, notes = _axes(train, where=where, said=said, spec=spec, whole=whole)
    shape = _shape(axes, train.shape[1:])
    if spec.integers:
        if not all(map(_all_whole, (train, *others))):
            raise BadSetting(
                f"data.integers is for whole numbers, and {where} or another part has "
                "fractions. Leave it out."
            )
        if said is None:
            axes, shape, notes = "f", train.shape[1:], ()
        return Reading(axes=axes, shape=shape, numbers="integers", notes=notes)
    narrow = train.dtype.kind == "b" or train.dtype == np.uint8
    scaled = narrow or (spec.mean is None and not kept)
    flat = axes == "f" and said is None and whole and _is_row_of_pixels(train)
    spatial = not set(axes) & set("fl")
    pixels = (whole or narrow) and scaled and (spatial or flat)
    if pixels and flat:
        notes = (_of_row(train.shape[1]),)
    return Reading(
        axes=axes, shape=shape, numbers="pixels" if pixels else "numbers", notes=notes
    )


def _axes(
    train: NDArray[Any], *, where: str, said: Axes | None, spec: Data, whole: bool
) -> tuple[str, tuple[str, ...]]:
    """The axes of an example, and what to say about them."""
    shape = train.shape[1:]
    if said is not None:
        _refuse_unfit(said, shape, where=where)
        return said, ()
    if len(shape) == 1 or spec.integers:
        return "f", ()
    if len(shape) == 2:
        if shape[0] == shape[1] or train.dtype == np.uint8:
            return "hw", ()
        if whole:
            return "hw", (
                f"{shape} taken as grey images, by their whole numbers from 0 to 255 "
                "(sequences: data.axes=cl)",
            )
        first = shape[0] <= shape[1]
        axis = "first" if first else "last"
        note = (
            f"the {axis} axis of {shape} taken as channels (otherwise say it: "
            f"data.axes={'lc' if first else 'cl'}, or data.axes=hw for grey images)"
        )
        return "cl" if first else "lc", (note,)
    return _with_channels(shape, where=where)


def _with_channels(
    shape: tuple[int, ...], *, where: str
) -> tuple[str, tuple[str, ...]]:
    """Channels first or last, where that is plain; else a refusal."""
    first, last = shape[0], shape[-1]
    # of more axes than space has, the others have no name
    space = "dhw"[-(len(shape) - 1) :] if len(shape) <= 4 else "x" * (len(shape) - 1)
    alike = len(set(shape)) == 1
    if alike and first not in _USUAL and len(shape) == 3:
        note = f"{shape} taken as volumes of one channel (images: data.axes=chw)"
        return "dhw", (note,)
    last_is_odd, first_is_odd = len(set(shape[:-1])) == 1, len(set(shape[1:])) == 1
    if first == 1 or alike:
        axes = f"c{space}"
    elif last_is_odd:
        axes = f"{space}c"
    elif first_is_odd:
        axes = f"c{space}"
    elif last < min(shape[:-1]):
        axes = f"{space}c"
    elif first <= min(shape[1:]):
        axes = f"c{space}"
    else:
        raise BadData(
            f"{where} has examples of shape {shape}, and it is not plain which axis "
            f"holds the channels. Say it: data.axes=c{space} or {space}c, the axes in "
            "their order; or move the channels to the front."
        )
    channels, end = (first, "first") if axes[0] == "c" else (last, "last")
    if channels in _USUAL and (first != last or alike):
        return axes, ()
    return axes, (f"the {end} axis of {shape} taken as channels",)


def _refuse_unfit(axes: str, shape: tuple[int, ...], *, where: str) -> None:
    if len(axes) == len(shape):
        return
    if len(shape) == 1 and axes in ("hw", "chw", "hwc"):
        _unrolled(axes, shape[0])
        return
    raise BadSetting(
        f"data.axes={axes} names {len(axes)} axes, but {where} has examples of shape "
        f"{shape}. Name each of them once: c (channels), d, h, w, l (length), f "
        "(features)."
    )


def _unrolled(axes: str, columns: int) -> tuple[int, ...]:
    """The shape of a picture that lies in one row of so many numbers."""
    channels = 3 if "c" in axes else 1
    side = isqrt(columns // channels)
    if channels * side**2 != columns:
        raise BadSetting(
            f"data.axes={axes}: {columns} columns are no square picture"
            f"{' of 3 channels' if channels == 3 else ''}. Reshape them before."
        )
    return tuple(channels if axis == "c" else side for axis in axes)


def _shape(axes: str, found: tuple[int, ...]) -> tuple[int, ...]:
    if axes == "f":
        return found
    if len(found) != len(axes):
        found = _unrolled(axes, prod(found))
    if "c" not in axes:
        return (1, *found)
    at = axes.index("c")
    return (found[at], *found[:at], *found[at + 1 :])


def _is_row_of_pixels(values: NDArray[Any]) -> bool:
    """Whether a row of columns is as long as a square picture, grey or in colour.

    Few columns are as often a table; they must span about the same numbers.
    """
    if values.ndim != 2:
        return False
    columns = values.shape[1]
    side = next(
        (
            isqrt(columns // c)
            for c in (1, 3)
            if c * isqrt(columns // c) ** 2 == columns
        ),
        0,
    )
    if side < _SMALLEST:
        return False
    if side >= _PLAIN:
        return True
    spans = values.max(axis=0).astype(np.int64) - values.min(axis=0).astype(np.int64)
    return bool(spans.min() * _LIKE >= spans.max())


def _of_row(columns: int) -> str:
    channels = 1 if isqrt(columns) ** 2 == columns else 3
    side = isqrt(columns // channels)
    axes, look = ("hw", "") if channels == 1 else ("chw", f"{channels} x ")
    return (
        f"{columns} columns of whole numbers from 0 to 255 taken as pixels, with one "
        f"mean and standard deviation for all (as images of {look}{side} x {side}: "
        f"data.axes={axes}; as features, each standardised by itself: data.axes=f)"
    )


def whole_bytes(values: NDArray[Any]) -> bool:
    """Whether all are whole numbers from 0 to 255."""
    if values.dtype.kind == "b" or values.dtype == np.uint8:
        return True
    return all(
        bool(((piece >= 0) & (piece <= 255)).all()) and _is_whole(piece)
        for piece in _pieces(values)
    )


def _all_whole(values: NDArray[Any]) -> bool:
    return all(map(_is_whole, _pieces(values)))


def _is_whole(piece: NDArray[Any]) -> bool:
    return piece.dtype.kind in "bui" or bool((piece == np.floor(piece)).all())


def _pieces(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    return (values[i : i + _CHUNK] for i in range(0, len(values), _CHUNK))
