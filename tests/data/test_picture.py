"""One image file: colours, turned, transparent, 16 bits, damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from normlab.data.images.picture import ImageHeader, pixels, read_header
from normlab.errors import BadData

from .files import picture

GREY, COLOUR = ImageHeader(6, 4, colour=False), ImageHeader(6, 4, colour=True)


def test_colour_comes_channels_first(tmp_path: Path) -> None:
    red = pixels(picture(tmp_path / "red.png"), COLOUR)
    assert red.shape == (3, 4, 6)
    assert red.mean(axis=(1, 2)).tolist() == [255, 0, 0]


def test_grey_has_one_channel(tmp_path: Path) -> None:
    path = picture(tmp_path / "grey.png", mode="L", colour=77)
    assert read_header(path) == GREY
    assert pixels(path, GREY).tolist() == np.full((1, 4, 6), 77).tolist()


def test_an_image_is_stretched_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "half.png"
    half = np.zeros((4, 8), np.uint8)
    half[:, 4:] = 255
    Image.fromarray(half).save(path)
    small = pixels(path, ImageHeader(2, 2, colour=False))
    assert small[0, :, 0].max() < 60
    assert small[0, :, 1].min() > 195


def test_an_image_is_turned_as_its_camera_asks(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    image = Image.new("RGB", (16, 8), "white")
    exif = image.getexif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    image.save(path, exif=exif)
    assert read_header(path) == ImageHeader(8, 16, colour=True)
    assert pixels(path, ImageHeader(8, 16, colour=True)).shape == (3, 16, 8)


def test_transparent_places_are_white(tmp_path: Path) -> None:
    path = picture(tmp_path / "clear.png", mode="RGBA", colour=(0, 0, 0, 0))
    assert (pixels(path, COLOUR) == 255).all()


def test_16_bits_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    Image.fromarray(np.full((4, 6), 0x8011, np.uint16)).save(path)
    look = read_header(path)
    assert look == GREY._replace(bits=16)
    assert (pixels(path, look) == 0x8011).all()


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "few.gif"
    Image.new("RGB", (6, 4), (0, 0, 255)).convert("P").save(path)
    assert read_header(path).colour is True
    assert pixels(path, COLOUR)[2].min() > 200


def test_float_pixels_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    Image.new("F", (6, 4), 0.5).save(path)
    look = read_header(path)
    assert look == GREY._replace(bits=32)
    assert (pixels(path, look) == 0.5).all()


def test_floats_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    Image.new("F", (6, 4), np.inf).save(path)
    with pytest.raises(BadData, match=r"float\.tif \(it holds numbers that are not"):
        pixels(path, read_header(path))


@pytest.mark.parametrize("kind", ["png", "jpg", "gif", "bmp", "webp", "tif"])
def test_no_damage_escapes_as_another_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"broken.{kind}"
    Image.radial_gradient("L").save(path)
    content = path.read_bytes()
    for keep in (0, 3, 20, len(content) // 2):
        path.write_bytes(content[:keep])
        with pytest.raises(BadData, match=r"cannot read the image .*broken"):
            pixels(path, GREY)


def test_an_absurdly_large_image_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = picture(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)
    with pytest.raises(
        BadData, match=r"24 pixels\) exceeds limit of 8 pixels\)\. Make"
    ):
        read_header(path)
