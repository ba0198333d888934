"""One image file as an array of 8-bit pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from normlab.errors import BadData

_GREY = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F"))
_ORIENTATION = 0x0112  # EXIF tag; from 5 on, width and height are exchanged


class Look(NamedTuple):
    """Size in pixels, and whether in colour."""

    width: int
    height: int
    colour: bool


def look_at(path: Path) -> Look:
    """What a file's header says, as its viewer would see it.

    Raises:
        BadData: If the file is no image.
    """
    with _opened(path) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION, 1) >= 5:
            width, height = height, width
        return Look(width, height, image.mode not in _GREY)


def pixels(path: Path, look: Look) -> NDArray[np.uint8]:
    """The decoded image, stretched to `look`; of a moving one the first picture.

    Turned as its camera asks for; transparent places are white; 16-bit pixels keep
    their upper 8 bits.

    Returns:
        Shape (3, height, width) in colour, (1, height, width) in grey.

    Raises:
        BadData: If the file is no image, or is damaged.
    """
    mode = "RGB" if look.colour else "L"
    with _opened(path) as image:
        # lets a JPEG decoder work at about the wanted size: photographs are huge
        image.draft(mode, (2 * look.width, 2 * look.height))
        upright = ImageOps.exif_transpose(image)
        flat = _eight_bits(upright).convert(mode)
        if flat.size != look[:2]:
            flat = flat.resize(look[:2], Image.Resampling.BILINEAR, reducing_gap=3.0)
        array = np.asarray(flat)
    return np.moveaxis(np.atleast_3d(array), 2, 0)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    # what Pillow's readers raise for damaged files is as varied as the formats
    except (OSError, ValueError, SyntaxError, IndexError, EOFError) as error:
        raise BadData(_unreadable(path, error)) from None
    except Image.DecompressionBombError as error:
        raise BadData(_unreadable(path, error)) from None


def _unreadable(path: Path, error: Exception) -> str:
    reason = "no image" if isinstance(error, Image.UnidentifiedImageError) else error
    return f"cannot read the image {path} ({reason}). Repair or remove it."


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow's own conversion cuts at 255, which turns such images white
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("its pixels are floats; use .npz for these")
    if image.has_transparency_data:
        opaque = image.convert("RGBA")
        white = Image.new("RGBA", opaque.size, "white")
        return Image.alpha_composite(white, opaque)
    return image
