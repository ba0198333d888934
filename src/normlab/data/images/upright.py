"""Which way up an image is: what its camera noted is read, and never written."""

from __future__ import annotations

import struct
from pathlib import Path

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

_ORIENTATION = 0x0112  # EXIF tag: how a viewer has to turn what is stored
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TIPPED = 5  # from here on width and height are exchanged
_SUB_BLOCKS = (0x8769, 0x8825, 0xA005)  # EXIF tags: the camera, the place, others
_WIDTH, _HEIGHT = 256, 257  # TIFF tags
_TEXTS = (b"Raw profile type exif", b"XML:com.adobe.xmp")


def seen_size(image: Image.Image, path: Path | None = None) -> tuple[int, int]:
    """Width and height of an image as a viewer shows it.

    Args:
        image: Any; it is decoded if there is no path.
        path: Its file, of which the header is enough, but for a PNG that says at its
            end how it is to be turned.
    """
    if path is None or (image.format == "PNG" and _speaks_late(path)):
        _load(image)
    width, height = image.size
    if isinstance(image, TiffImageFile) and _ORIENTATION in image.tag_v2:
        # some versions of Pillow exchange the two when they open it, others do not
        width, height = image.tag_v2[_WIDTH], image.tag_v2[_HEIGHT]
    return (height, width) if _orientation(image) >= _TIPPED else (width, height)


def upright(image: Image.Image) -> Image.Image:
    """The decoded image, turned by what its EXIF block says; as stored without one.

    Pillow's own `exif_transpose` writes the block anew, which fails where another
    entry of it is odd.

    Example:
        >>> image = Image.new("L", (6, 4))
        >>> image.getexif()[0x0112] = 6
        >>> upright(image).size
        (4, 6)
    """
    _load(image)
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _load(image: Image.Image) -> None:
    if not isinstance(image, TiffImageFile):
        image.load()
        return
    # Pillow itself turns a TIFF; it reads these too, and may stumble over them
    exif = _exif(image)
    for key in _SUB_BLOCKS:
        exif.pop(key, None)
    # with a name it maps the file into memory, in rows as long as after the turn
    name, image.filename = image.filename, ""
    try:
        image.load()
    finally:
        image.filename = name


def _orientation(image: Image.Image) -> int:
    found = _exif(image).get(_ORIENTATION)
    return found if isinstance(found, int) and found in _TURNS else 1


def _exif(image: Image.Image) -> Image.Exif:
    try:
        # the class's own decodes a PNG that has no EXIF block, to look behind it
        return Image.Image.getexif(image)
    except Exception:  # as varied as the damage; the pixels may be sound
        return Image.Exif()


def _speaks_late(path: Path) -> bool:
    """Whether notes on the orientation may follow the pixels of a PNG."""
    late = False
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            late = late or kind == b"IDAT"
            start = file.read(min(length, 32))
            texts = kind in (b"tEXt", b"zTXt", b"iTXt") and start.startswith(_TEXTS)
            if late and (kind == b"eXIf" or texts):
                return True
            file.seek(length - len(start) + 4, 1)
    return False
