"""Every format, orientation, depth and container, against NumPy on what was stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from normlab.data.images.picture import (
    header_of,
    pixels,
    pixels_of,
    read_header,
    suffixes,
)
from normlab.data.load import load
from normlab.spec.data import Data

ORIENTATION = 0x0112
# from the TIFF 6.0 standard, page 36: where row 0 and column 0 of what is stored lie
TURNED: dict[int, Callable[[NDArray], NDArray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}
HIGH, WIDE = 10, 14


@dataclass(frozen=True)
class Format:
    suffix: str
    mode: str  # of the stored array
    options: dict[str, Any] = field(default_factory=dict)
    turns: bool = True  # whether it has room for EXIF

    def __str__(self) -> str:
        return f"{self.suffix}-{self.mode}-{''.join(map(str, self.options.values()))}"

    def stored(self, number: int) -> NDArray[Any]:
        """Noise, rows first."""
        noise = np.random.default_rng(number).integers
        match self.mode:
            case "RGB":
                return noise(0, 256, (HIGH, WIDE, 3), np.uint8)
            case "L":
                return noise(0, 256, (HIGH, WIDE), np.uint8)
            case "1":
                return noise(0, 2, (HIGH, WIDE), np.uint8) * np.uint8(255)
            case "I;16":
                return noise(0, 65536, (HIGH, WIDE), np.uint16)
            case "I":
                return noise(-(2**20), 2**20, (HIGH, WIDE), np.int32)
            case _:
                return noise(-999, 999, (HIGH, WIDE)).astype(np.float32) / 8

    def save(self, path: Path, stored: NDArray[Any], turn: int) -> NDArray[Any]:
        """Write it, and give what a viewer shows, (rows, columns, maybe channels)."""
        image = Image.fromarray(stored)
        if self.mode == "1":
            image = image.convert("1")
        image.save(path, **self.options)
        with Image.open(path) as opened:  # what is left of it by lossy formats
            shown = np.asarray(opened.convert("RGB") if opened.mode == "P" else opened)
        if self.mode == "1":
            shown = shown.astype(np.uint8) * np.uint8(255)
        if turn != 1:
            exif = Image.Exif()
            exif[ORIENTATION] = turn
            image.save(path, exif=exif, **self.options)
        return TURNED[turn](shown)


def _with(suffix: str, modes: str, **options: Any) -> list[Format]:
    return [Format(suffix, mode, options) for mode in modes.split()]


FORMATS = [
    *_with(".png", "RGB L 1 I;16"),
    *_with(".tif", "RGB L 1 I;16 I F"),
    *_with(".tiff", "RGB L I;16 I F", compression="tiff_lzw"),
    *_with(".tif", "RGB L", compression="tiff_adobe_deflate"),
    *_with(".jpg", "RGB L"),
    *_with(".jfif", "RGB", format="JPEG"),
    *_with(".mpo", "RGB", format="MPO"),
    *_with(".webp", "RGB", lossless=True),
    *(_with(".avif", "RGB") if ".avif" in suffixes() else []),  # Pillow from 11.3 on
    Format(".bmp", "RGB", turns=False),
    Format(".bmp", "L", turns=False),
    Format(".gif", "L", turns=False),
    Format(".ppm", "RGB", turns=False),
    Format(".pgm", "L", turns=False),
    Format(".pbm", "1", turns=False),
    Format(".pfm", "F", turns=False),
]
CASES = [(f, turn) for f in FORMATS for turn in (TURNED if f.turns else (1,))]
MATRIX = pytest.mark.parametrize(
    ("kind", "turn"), CASES, ids=[f"{kind}-{turn}" for kind, turn in CASES]
)


def channels_first(shown: NDArray[Any]) -> NDArray[Any]:
    return np.moveaxis(np.atleast_3d(shown), 2, 0)


def bits_of(images: Any) -> list[bytes]:
    return sorted(np.ascontiguousarray(image).tobytes() for image in images)


@MATRIX
def test_a_file_and_an_image_at_hand_are_what_a_viewer_shows(
    tmp_path: Path, kind: Format, turn: int
) -> None:
    path = tmp_path / f"a{kind.suffix}"
    shown = channels_first(kind.save(path, kind.stored(0), turn))
    look = read_header(path)
    assert (look.height, look.width) == shown.shape[1:]
    assert look.colour == (len(shown) == 3)
    np.testing.assert_array_equal(pixels(path, look), shown)
    with Image.open(path) as image:
        assert header_of(image) == look._replace(cut=False)
        np.testing.assert_array_equal(pixels_of(image, look), shown)
    assert pixels(path, look).dtype == (np.uint8 if look.bits == 8 else np.float32)


@MATRIX
def test_the_containers_hold_what_a_viewer_shows(
    tmp_path: Path, kind: Format, turn: int
) -> None:
    shown = {}
    rows = ["file,label"]
    for number in range(4):
        name, label = f"{number}{kind.suffix}", ("cat", "dog")[number % 2]
        for place in (f"all/{label}", f"parts/{('train', 'val')[number // 2]}/{label}"):
            path = tmp_path / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shown[number] = channels_first(kind.save(path, kind.stored(number), turn))
        table = tmp_path / "table" / "pictures" / name
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_bytes(path.read_bytes())
        rows.append(f"pictures/{name},{label}")
    (tmp_path / "table" / "labels.csv").write_text("\n".join(rows))
    wanted = [
        array if kind.mode in "RGB L 1" else np.float32(array)
        for array in shown.values()
    ]
    for container in ("all", "parts", "table", "table/labels.csv"):
        data = load(Data(source=container), root=tmp_path)
        assert data.shape == wanted[0].shape
        assert data.classes == ("cat", "dog")
        found = [*data.train.images, *data.test.images]
        assert bits_of(found) == bits_of(wanted)
    parts = load(Data(source="parts"), root=tmp_path)
    assert bits_of(parts.train.images) == bits_of(wanted[:2])
