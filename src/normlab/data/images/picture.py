"""One image, of a file or at hand, as an array of pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from normlab.data.images.depth import bits_of, is_deep_ppm, is_unsigned, raw_mode
from normlab.data.images.quiet import quiet
from normlab.data.images.upright import seen_size, upright
from normlab.disk.remedy import refuse_want
from normlab.errors import BadData

LONGEST = 65_535
"""Pixels a side at most, as of JPEG: two thousand bytes can claim millions of rows."""

# nothing else is tried: one of Pillow's other readers starts a program
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_STARTS = (b"II", b"MM", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")
_GREY = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F"))
_BILINEAR = Image.Resampling.BILINEAR
_GAP = 3.0  # an image is averaged down to this many times its size, then stretched
_STRIP = 1 << 20  # pixels that are made opaque at once


class ImageHeader(NamedTuple):
    """What images have in common."""

    width: int
    height: int
    colour: bool
    bits: int = 8  # 8; 16 of greys; 32 of whole or real numbers without a white
    cut: bool = False  # colours of 16 bits, of which the upper 8 are read


class Unreadable(BadData):
    """An image file that cannot be read."""

    def __init__(self, path: Path, reason: str, remedy: str = "Repair or remove it"):
        """Say it as of a single file."""
        super().__init__(f"cannot read the image {path} ({reason}). {remedy}.")
        self.path, self.reason, self.remedy = path, reason, remedy


@cache
def suffixes() -> frozenset[str]:
    """How the names of files end that this Pillow can read, in small letters.

    Example:
        >>> {".png", ".jfif", ".tif"} <= suffixes(), ".eps" in suffixes()
        (True, False)
    """
    known = Image.registered_extensions()
    formats = (*_formats(), "MPO")  # which the reader of JPEG reads, too
    return frozenset(suffix for suffix in known if known[suffix] in formats)


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def read_header(path: Path) -> ImageHeader:
    """What a file's header says, as its viewer would see it.

    Raises:
        Unreadable: If the file is no image, or too large.
    """
    with _opened(path) as image:
        return _header(image, path)


def header_of(image: Image.Image) -> ImageHeader:
    """The same of an image at hand.

    Example:
        >>> header_of(Image.new("L", (6, 4)))
        ImageHeader(width=6, height=4, colour=False, bits=8, cut=False)
    """
    with quiet():
        return _header(image)


def _header(image: Image.Image, path: Path | None = None) -> ImageHeader:
    raw = raw_mode(image)
    colour = image.mode not in _GREY and "LA;16" not in raw
    cut = colour and (";16" in raw or is_deep_ppm(image))
    return ImageHeader(*seen_size(image, path), colour, bits_of(image), cut)


def pixels(path: Path, look: ImageHeader) -> NDArray[Any]:
    """The decoded image of a file, stretched to `look`; of a moving one the first.

    Turned as its camera asks for; transparent places are white.

    Args:
        path: Read by its content, whatever its suffix.
        look: At least as deep as the image.

    Returns:
        Shape (3, height, width) in colour, (1, height, width) in grey; uint8 of
        `look.bits` 8, else float32, of which 8-bit images get 257 times their number
        if `look.bits` is 16 (both whites are equal then).

    Raises:
        Unreadable: If the file is no image, is damaged, or too large.
    """
    with _opened(path) as image:
        whole = seen_size(image, path) == look[:2]
        _draft(image, look)
        seen = upright(image)
        if whole and seen.size != look[:2]:
            raise ValueError("it is not as large as it says at its start")
        return _as_array(seen, look, stored=image)


def weight(path: Path, look: ImageHeader) -> int:
    """How many pixels are in memory at once while `pixels` reads a file.

    Raises:
        Unreadable: If the file is no image, or too large.
    """
    with _opened(path) as image:
        _draft(image, look)
        return image.width * image.height


def _draft(image: Image.Image, look: ImageHeader) -> None:
    # lets a JPEG decoder work at about the wanted size: photographs are huge
    image.draft("RGB" if look.colour else "L", (2 * look.width, 2 * look.height))


def pixels_of(image: Image.Image, look: ImageHeader) -> NDArray[Any]:
    """The same of an image at hand, which is left as it was but for being loaded.

    Example:
        >>> pixels_of(Image.new("LA", (3, 2), (7, 0)), ImageHeader(3, 2, colour=False))
        array([[[255, 255, 255],
                [255, 255, 255]]], dtype=uint8)
    """
    with quiet():
        return _as_array(upright(image), look, stored=image)


def picture_of(content: bytes, name: str) -> Image.Image:
    """The image that the content of a file is, decoded.

    Raises:
        Unreadable: If it is no image, is damaged, or too large.
    """
    with _opened(Path(name), BytesIO(content)) as image:
        image.load()
        return image


def decoded_size(content: bytes) -> int:
    """Bytes of the pixels of an image file; of other bytes, as many as there are."""
    try:
        with _opened(Path("bytes"), BytesIO(content)) as image:
            return len(content) + 4 * image.width * image.height
    except Unreadable:  # said by whoever reads it
        return len(content)


@contextmanager
def _opened(path: Path, content: BytesIO | None = None) -> Iterator[Image.Image]:
    source = path if content is None else content
    try:
        with quiet(), Image.open(source, formats=_formats()) as image:
            if max(image.size) > LONGEST:
                raise _TooLarge(
                    f"{image.width} x {image.height} pixels, and {LONGEST} a side are "
                    "the most that is read"
                )
            yield image
    except Exception as error:  # of readers of damaged files: as varied as the formats
        refuse_want(error)
        raise Unreadable(path, *_why(path, content, error)) from None


class _TooLarge(ValueError):
    pass


def _why(path: Path, content: BytesIO | None, error: Exception) -> tuple[str, ...]:
    """The reason in a few words, and the remedy if it is not to repair the file."""
    if isinstance(error, (Image.DecompressionBombError, _TooLarge, MemoryError)):
        said = str(error).partition(", could be")[0] or "too large for the memory"
        return said, "Make it smaller, or remove it"
    if isinstance(error, Image.UnidentifiedImageError):
        with path.open("rb") if content is None else content as file:
            file.seek(0)
            start = file.read(8)
        if start.startswith(_STARTS):
            kind = "damaged, or of a kind that Pillow cannot read"
            return kind, "Save it as PNG, or remove it"
        return ("no image" if start else "an empty file",)
    if isinstance(error, OSError) and error.strerror:
        return (error.strerror,)
    return (" ".join(str(error).split())[:200] or type(error).__name__,)


def _as_array(
    image: Image.Image, look: ImageHeader, *, stored: Image.Image
) -> NDArray[np.uint8 | np.float32]:
    bits = bits_of(stored)
    if bits == 8:
        mode = "RGB" if look.colour else "L"
        array = np.asarray(
            _prepared(image, look, mode, lambda strip: _opaque(strip).convert(mode))
        )
        if look.bits > 8:
            array = np.float32(257 if look.bits == 16 else 1) * array
    else:
        signed = not is_unsigned(stored)
        array = np.asarray(
            _prepared(image, look, "F", lambda strip: _numbers(strip, signed=signed))
        )
    array = np.moveaxis(np.atleast_3d(array), 2, 0)
    return np.repeat(array, 3, axis=0) if look.colour and len(array) == 1 else array


def _prepared(
    image: Image.Image,
    look: ImageHeader,
    mode: str,
    prepare: Callable[[Image.Image], Image.Image],
) -> Image.Image:
    """In a mode and the size of `look`.

    A large image is prepared and averaged strip by strip, to the same bits as at
    once: its copies would need several times the memory.
    """
    size = look[:2]
    width, height = image.size
    across, down = (
        int(a / b / _GAP) or 1 for a, b in zip(image.size, size, strict=True)
    )
    if across == down == 1 and width * height <= _STRIP:
        flat = prepare(image)
        return flat if flat.size == size else flat.resize(size, _BILINEAR)
    small = Image.new(mode, (ceil(width / across), ceil(height / down)))
    rows = down * max(1, _STRIP // (width * down))
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(top + rows, height)))
        small.paste(prepare(strip).reduce((across, down)), (0, top // down))
    if small.size == size == image.size:
        return small
    return small.resize(size, _BILINEAR, box=(0, 0, width / across, height / down))


def _opaque(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    opaque = image.convert("RGBA")
    white = Image.new("RGBA", opaque.size, "white")
    return Image.alpha_composite(white, opaque)


def _numbers(image: Image.Image, *, signed: bool) -> Image.Image:
    stored = np.asarray(image)
    values = (stored if signed else stored.view(np.uint32)).astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("it holds numbers that are not finite")
    return Image.fromarray(values)
