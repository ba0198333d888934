"""Which images are held out: by an addressed stream, in the classes' proportions.

Copies of an image stay on one side, so that what is tested was not learnt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from normlab.base.streams import numpy_stream
from normlab.errors import BadData, BadSetting

Indices = NDArray[np.int64]


def for_validation(
    labels: Indices,
    count: int,
    *,
    classes: Sequence[str],
    content: Indices | None = None,
) -> tuple[Indices, Indices]:
    """Hold out `count` images to choose by, each class in proportion.

    Every class gets the whole part of its share; what is left goes to the largest
    fractions. The draw is the same for every seed of a study. Where copies must stay
    together, there may be a few more or less.

    Args:
        labels: From 0, of the training images.
        count: At least 1.
        classes: The labels' names, for errors.
        content: Equal numbers for copies of an image (see `copies.contents`).

    Returns:
        The images that train and those held out, both in their first order.

    Raises:
        BadSetting: If no image of some class would be left to train on.

    Example:
        >>> labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
        >>> train, held = for_validation(labels, 2, classes=("cat", "dog"))
        >>> len(train), len(held)
        (6, 2)
    """
    sizes = np.bincount(labels, minlength=len(classes))
    if not 1 <= count < len(labels):
        raise BadSetting(
            f"data.validation={count} of {len(labels)} training images leaves nothing "
            f"to train on. Use at most {len(labels) - np.count_nonzero(sizes)}."
        )
    quotas = _proportional(sizes, count)
    emptied = np.flatnonzero((quotas == sizes) & (sizes > 0))
    if len(emptied):
        raise BadSetting(
            f"data.validation={count} of {len(labels)} training images takes all "
            f"{sizes[emptied[0]]} of class {classes[emptied[0]]}. Use fewer."
        )
    return _drawn(labels, quotas, "validation", content)


def for_training(labels: Indices, count: int, *, classes: Sequence[str]) -> Indices:
    """Choose exactly `count` images to train on, each class in proportion.

    Args:
        labels: From 0, of the training images.
        count: At least 1.
        classes: The labels' names, for errors.

    Returns:
        The images to train on, in their first order.

    Raises:
        BadSetting: If there are not as many, or none of some class would be left.

    Example:
        >>> labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
        >>> len(for_training(labels, 6, classes=("cat", "dog")))
        6
    """
    if count > len(labels):
        raise BadSetting(
            f"data.training={count}, but there are {len(labels)} training images. "
            "Use fewer, or auto."
        )
    sizes = np.bincount(labels, minlength=len(classes))
    quotas = _proportional(sizes, count)
    lost = np.flatnonzero((quotas == 0) & (sizes > 0))
    if len(lost):
        raise BadSetting(
            f"data.training={count} leaves no image of class {classes[lost[0]]}. "
            "Use more."
        )
    _, used = _drawn(labels, quotas, "training")
    return used


def for_test(
    labels: Indices,
    *,
    classes: Sequence[str],
    where: str,
    content: Indices | None = None,
) -> tuple[Indices, Indices]:
    """Split off a fifth of every class, at least one image, for the test.

    Args:
        labels: From 0, of all images.
        classes: The labels' names, for errors.
        where: What the images are called in an error.
        content: Equal numbers for copies of an image (see `copies.contents`).

    Returns:
        The images that train and those that test, both in their first order.

    Raises:
        BadData: If a class has a single image.
    """
    sizes = np.bincount(labels)
    single = np.flatnonzero(sizes == 1)
    if len(single):
        more = f" (as have {len(single) - 1} more)" if len(single) > 1 else ""
        raise BadData(
            f"{where}: class {classes[single[0]]} has one image{more}, which cannot "
            "both train and test. Add images, or give a test part."
        )
    quotas = np.maximum((sizes + 2) // 5, (sizes > 0).astype(np.int64))
    return _drawn(labels, quotas, "test", content)


def _proportional(sizes: Indices, count: int) -> Indices:
    """How many of each class, so that there are `count`: whole parts, then the rest."""
    shares = count * sizes / sizes.sum()
    quotas = shares.astype(np.int64)
    largest = np.argsort(quotas - shares, kind="stable")
    quotas[largest[: count - quotas.sum()]] += 1
    return quotas


def _drawn(
    labels: Indices, quotas: Indices, purpose: str, content: Indices | None = None
) -> tuple[Indices, Indices]:
    """As many of each class as its quota says: the first in a random order.

    With `content`, copies go where the first of them goes, whatever their label; they
    are held out if the quota has room for all of them. A class of which nothing could
    be held out in that way is drawn as if there were no copies.
    """
    order = numpy_stream(0, "split", purpose)
    shuffled = [
        order.permutation(np.flatnonzero(labels == label))
        for label in range(len(quotas))
    ]
    taken = np.zeros(len(labels), bool)
    if content is not None and len(np.unique(content)) < len(content):
        _take_together(taken, shuffled, quotas, labels=labels, content=content)
    else:
        held = [mine[:quota] for mine, quota in zip(shuffled, quotas, strict=True)]
        taken[np.concatenate(held)] = True
    return np.flatnonzero(~taken), np.flatnonzero(taken)


def _take_together(
    taken: NDArray[np.bool_],
    shuffled: Sequence[Indices],
    quotas: Indices,
    *,
    labels: Indices,
    content: Indices,
) -> None:
    """Mark what is held out, all copies of an image or none."""
    copies: dict[int, list[int]] = {}
    for place, number in enumerate(content.tolist()):
        copies.setdefault(number, []).append(place)
    left = np.bincount(labels, minlength=len(quotas))
    seen: set[int] = set()  # contents that an earlier class has put on a side

    def sizes(number: int) -> Counter[int]:
        return Counter(labels[copies[number]].tolist())

    def spared(number: int) -> bool:
        return all(count < left[label] for label, count in sizes(number).items())

    def take(number: int) -> None:
        taken[copies[number]] = True
        for label, count in sizes(number).items():
            left[label] -= count

    for label, (mine, quota) in enumerate(zip(shuffled, quotas.tolist(), strict=True)):
        wanted = quota - int(taken[mine].sum())
        own = [n for n in dict.fromkeys(content[mine].tolist()) if n not in seen]
        seen.update(own)
        for number in own:
            size = sizes(number)[label]
            if size <= wanted and spared(number):
                take(number)
                wanted -= size
        spare = [number for number in own if spared(number)]
        if not quota or taken[mine].any():
            continue
        if spare:
            take(min(spare, key=lambda number: sizes(number)[label]))
        else:  # all alike: better tested on what was learnt, which is said, than not
            taken[mine[:quota]] = True
