"""Many image files as arrays: one size, one depth, and what cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab.data.assemble import LabeledImages
from normlab.data.images.picture import (
    ImageHeader,
    Unreadable,
    pixels,
    read_header,
    weight,
)
from normlab.data.images.quiet import quiet
from normlab.data.words import counted, few
from normlab.disk.room import refuse_more_than_fits, refuse_to_unpack
from normlab.errors import BadData
from normlab.spec.data import Data

SKIP = "--set data.skip_unreadable=true"
"""What leaves out the images that cannot be read."""

_FLAT = 256  # times its size that an image of few colours may have in pixels
_LIGHT = 1 << 22  # pixels up to which images are decoded side by side


class Listed(NamedTuple):
    """The images of a part and the number of each one's class."""

    where: str
    files: Sequence[Path]
    labels: NDArray[np.int64]


class _Decoded(NamedTuple):
    images: NDArray[Any]
    bad: dict[Path, Unreadable]


def decoded(
    parts: Mapping[str, Listed], spec: Data
) -> tuple[dict[str, LabeledImages], tuple[str, ...]]:
    """The images of every part, of one look, and what is to be said about them.

    Every header is looked at before anything is decoded, and everything is decoded
    before it is said what cannot be: one line for all of it.

    Args:
        parts: By name.
        spec: With `image_size` images are stretched to that many pixels a side. With
            `color` none, they are in colour if any of them is.

    Raises:
        BadData: If images cannot be read, unless `spec.skip_unreadable`; if sizes
            differ, or all together do not fit into memory.
    """
    with quiet():
        files = [file for part in parts.values() for file in part.files]
        looks, bad = _looks(files)
        look = _common(looks, spec, bad)
        _refuse_too_large(files, look, spec)
        every = {name: _read(part, looks, look) for name, part in parts.items()}
    for part in every.values():
        bad |= part.bad
    if bad and not spec.skip_unreadable:
        raise BadData(_cannot_be_read(bad, len(files)))
    pairs = {name: _kept(part, every[name].images, bad) for name, part in parts.items()}
    return pairs, _notes(looks, look, bad)


def _looks(
    files: Sequence[Path],
) -> tuple[dict[Path, ImageHeader], dict[Path, Unreadable]]:
    def seen(path: Path) -> ImageHeader | Unreadable:
        try:
            return read_header(path)
        except Unreadable as error:
            return error

    with ThreadPoolExecutor() as pool:
        found = dict(zip(files, pool.map(seen, files), strict=True))
    looks = {
        path: look for path, look in found.items() if isinstance(look, ImageHeader)
    }
    bad = {path: why for path, why in found.items() if isinstance(why, Unreadable)}
    return looks, bad


def _common(
    looks: Mapping[Path, ImageHeader], spec: Data, bad: Mapping[Path, Unreadable]
) -> ImageHeader:
    """The look that all images get."""
    if not looks:
        raise BadData(_cannot_be_read(bad, len(bad)))
    first = next(iter(looks))
    if spec.image_size is None:
        for path, look in looks.items():
            if look[:2] != looks[first][:2]:
                raise BadData(
                    f"{path} is {look.width} x {look.height} pixels, {first} "
                    f"{looks[first].width} x {looks[first].height}. "
                    "Choose one size: --image-size 64."
                )
    colour = any(look.colour for look in looks.values())
    return ImageHeader(
        spec.image_size or looks[first].width,
        spec.image_size or looks[first].height,
        colour if spec.color is None else spec.color,
        max(look.bits for look in looks.values()),
    )


def _refuse_too_large(files: Sequence[Path], look: ImageHeader, spec: Data) -> None:
    """Raise BadData before decoding what cannot fit, or cannot be meant."""
    each = (3 if look.colour else 1) * (1 if look.bits == 8 else 4)
    need = len(files) * each * look.width * look.height
    what = f"{counted(len(files), 'image')} of {look.width} x {look.height} pixels"
    remedy = "Choose a smaller size: --image-size 64"
    if spec.image_size is None:
        held = sum(path.stat().st_size for path in files)
        refuse_to_unpack(need, held, what, remedy, times=_FLAT)
    refuse_more_than_fits(2 * need, what, remedy)


def _read(
    part: Listed, looks: Mapping[Path, ImageHeader], look: ImageHeader
) -> _Decoded:
    shape = (len(part.files), 3 if look.colour else 1, look.height, look.width)
    images = np.empty(shape, np.uint8 if look.bits == 8 else np.float32)
    found = _Decoded(images, {})

    def read(place: int) -> None:
        path = part.files[place]
        try:
            images[place] = pixels(path, look)
        except Unreadable as error:
            found.bad[path] = error

    light, heavy = _by_weight(part.files, looks, look)
    with ThreadPoolExecutor() as pool:  # decoders work outside the interpreter lock
        for _ in pool.map(read, light):
            pass
    for place in heavy:
        read(place)
    return found


def _by_weight(
    files: Sequence[Path], looks: Mapping[Path, ImageHeader], look: ImageHeader
) -> tuple[list[int], list[int]]:
    """The places of the images that are decoded side by side, and one by one.

    The memory of one by one is that of the largest: threads would each keep theirs.
    """
    light, heavy = [], []
    for place, path in enumerate(files):
        if path in looks:
            seen = looks[path]
            large = seen.width * seen.height > _LIGHT and weight(path, look) > _LIGHT
            (heavy if large else light).append(place)
    return light, heavy


def _kept(
    part: Listed, images: NDArray[Any], bad: Mapping[Path, Unreadable]
) -> LabeledImages:
    kept = np.array([path not in bad for path in part.files], np.bool_)
    labels = part.labels
    names = tuple(path.name for path in part.files if path not in bad)
    if not kept.all():
        images, labels = images[kept], labels[kept]
    if set(labels.tolist()) != set(part.labels.tolist()):
        raise BadData(
            f"{part.where} has a class of which no image can be read. Repair some, or "
            "take the class away."
        )
    return LabeledImages(images, labels, part.where, part.where, names)


def _cannot_be_read(bad: Mapping[Path, Unreadable], total: int) -> str:
    if len(bad) == 1:
        (only,) = bad.values()
        return f"{str(only)[:-1]}, or leave it out: {SKIP}."
    some = few([f"{path} ({bad[path].reason})" for path in sorted(bad)])
    return (
        f"{len(bad)} of {total} images cannot be read: {some}. Repair, convert or "
        f"remove them, or leave them out: {SKIP}."
    )


def _notes(
    looks: Mapping[Path, ImageHeader], look: ImageHeader, bad: Mapping[Path, Unreadable]
) -> tuple[str, ...]:
    said = []
    if bad:
        names = few([path.name for path in sorted(bad)])
        said.append(
            f"left out {counted(len(bad), 'image')} that cannot be read: {names}"
        )
    depths = {seen.bits for seen in looks.values()}
    if look.bits == 32:
        said.append("greys kept as the numbers that are stored, up to 32 bits")
    elif look.bits == 16:
        less = ", 8-bit ones times 257 (255 and 65,535 are both white)"
        said.append(f"greys of 16 bits kept{less if 8 in depths else ''}")
    cut = sum(seen.cut for seen in looks.values())
    if cut:
        said.append(f"of {counted(cut, 'image')} with 16-bit colours the upper 8 bits")
    return tuple(said)
