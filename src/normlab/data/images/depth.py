"""How many bits the numbers of an image have, as it is stored."""

from __future__ import annotations

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

_BITS, _SIGN = 258, 339  # TIFF tags


def bits_of(image: Image.Image) -> int:
    """Of a number: 8; 16 of greys; 32 of whole or real numbers without a white."""
    sixteen = image.mode.startswith("I;16")
    # older versions of Pillow have 16 bits of a PNG in the mode of 32
    if sixteen or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return 16
    return 32 if image.mode in ("I", "F") else 8


def is_unsigned(image: Image.Image) -> bool:
    """Whether Pillow shows whole numbers of 32 bits without a sign as with one."""
    if not isinstance(image, TiffImageFile) or image.mode != "I":
        return False
    return image.tag_v2.get(_BITS) == (32,) and image.tag_v2.get(_SIGN, (1,)) == (1,)


def is_deep_ppm(image: Image.Image) -> bool:
    """Whether a PPM holds more than 8 bits, which Pillow cuts."""
    tiles = getattr(image, "tile", ())
    args = tiles[0][3:] if tiles and image.format == "PPM" else ()
    return bool(args) and isinstance(args[0], tuple) and args[0][-1] > 255


def raw_mode(image: Image.Image) -> str:
    """How the pixels are stored, in Pillow's words; empty once they are decoded."""
    tiles = getattr(image, "tile", ())
    return str(tiles[0][3:]) if tiles else ""
