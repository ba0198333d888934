"""What numbers deserve a word before they are learnt: constant ones, and far ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.data.dataset import Dataset
from normlab.data.statistics import extremes
from normlab.data.words import counted, few

_CHUNK = 256  # examples; looked through at once
_FAR = 20.0  # standard deviations that are worth a word
_NARROW = 1e-3  # of a standard deviation: half of the numbers in it are worth a word
_LOOKED_AT = 100_000  # numbers of a channel


def oddities(dataset: Dataset, names: Sequence[str] = ()) -> Iterator[str]:
    """A sentence for each kind that is there; nothing is the rule.

    Args:
        dataset: As it is learnt.
        names: Of the files of the training images, where each has one.

    Example:
        >>> from normlab.data.dataset import Part
        >>> part = Part(images=np.full((9, 1, 2, 2), 7.0), labels=np.arange(9) % 3)
        >>> own = {"classes": ("a", "b", "c"), "mean": (7.0,), "std": (1.0,)}
        >>> same = Dataset(name="x", train=part, test=part, validation=None, **own)
        >>> print(*oddities(same))
        all training images are the same: there is nothing to learn from them
    """
    images = dataset.train.images
    noun = f"training {noun_of(dataset)}"
    if (images[:_CHUNK] == images[0]).all() and (images == images[0]).all():
        yield f"all {noun}s are the same: there is nothing to learn from them"
        return
    constant = _constant(images)
    if len(constant):
        every = "all " * (len(constant) == len(images))
        numbers: list[int] = constant.tolist()
        some = [names[i] if names else str(i) for i in numbers]
        yield (
            f"{every}{counted(len(constant), noun)} constant, of one colour: "
            f"{'' if names else 'numbers '}{few(some)}"
        )
    yield from _far(dataset)


def noun_of(dataset: Dataset) -> str:
    """What one example is called."""
    return "example" if len(dataset.shape) == 1 else "image"


def _constant(images: NDArray[Any]) -> NDArray[np.int64]:
    """The images whose channels are each of one number."""
    if images.ndim < 3:
        return np.array([], np.int64)
    by_channel = images.reshape(*images.shape[:2], -1)
    if by_channel.shape[2] == 1:
        return np.array([], np.int64)
    # most differ at their middle or last place already
    middle = by_channel.shape[2] // 2
    first = by_channel[:, :, 0]
    maybe = np.flatnonzero(
        ((by_channel[:, :, middle] == first) & (by_channel[:, :, -1] == first)).all(1)
    )
    found = [
        piece[(by_channel[piece] == first[piece, :, None]).all(axis=(1, 2))]
        for piece in np.array_split(maybe, len(maybe) // _CHUNK + 1)
    ]
    return np.concatenate(found)


def _far(dataset: Dataset) -> Iterator[str]:
    """Where a number is so many standard deviations away that it drowns the others."""
    images = dataset.train.images
    if images.dtype in (np.uint8, np.int64):
        return
    what = "feature" if len(dataset.shape) == 1 else "channel"
    mean, std = np.asarray(dataset.mean), np.asarray(dataset.std)
    worst = []
    for name, part in dataset.parts.items():
        ends = np.stack(extremes(part.images)).astype(np.float64)
        reach = np.abs((ends - mean) / std).max(axis=0)
        place = int(reach.argmax())
        worst.append((float(reach[place]), place, name))
    far, place, name = max(worst)
    if far > _FAR:
        yield (
            f"the {name} part reaches {far:.3g} standard deviations in {what} {place} "
            "(one mean for all: data.mean and data.std)"
        )
        return
    # of few examples none can be as far: one of n at most the square root of n
    middle = _middle(images) / std
    place = int(middle.argmin())
    if middle[place] < _NARROW:
        yield (
            f"half of the numbers of {what} {place} lie within {middle[place]:.3g} "
            "standard deviations: a few that are far away drown them"
        )


def _middle(images: NDArray[Any]) -> NDArray[np.float64]:
    """How much the middle half of each channel's numbers spans; inf where nothing."""
    by_channel = images.reshape(*images.shape[:2], -1)
    step = by_channel.shape[0] * by_channel.shape[2] // _LOOKED_AT + 1
    low, high = np.quantile(by_channel[::step], (0.25, 0.75), axis=(0, 2))
    span = np.float64(high) - np.float64(low)
    return np.where(span > 0, span, np.inf)
