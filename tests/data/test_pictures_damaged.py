"""Damaged, hostile and odd files: one line or the image, and nothing else."""

from __future__ import annotations

import io
import logging
import struct
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from normlab.data.images.picture import LONGEST, pixels, read_header
from normlab.data.images.quiet import quiet
from normlab.errors import BadData

NOISE = np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8)


def _saved(kind: str, mode: str = "RGB", **options: object) -> bytes:
    image = Image.fromarray(NOISE).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x0131] = "a program"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:01 00:00:00"
    if kind in ("PNG", "JPEG", "TIFF", "WEBP"):
        options["exif"] = exif
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


SOUND = {
    "png": _saved("PNG"),
    "png-palette": _saved("PNG", "P", transparency=3),
    "jpeg": _saved("JPEG"),
    "jpeg-cmyk": _saved("JPEG", "CMYK"),
    "gif": _saved("GIF"),
    "bmp": _saved("BMP"),
    "webp": _saved("WEBP"),
    "ppm": _saved("PPM"),
    **{
        f"tiff-{packed}": _saved("TIFF", compression=packed)
        for packed in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    },
    "tiff-group4": _saved("TIFF", "1", compression="group4"),
}


def read(path: Path) -> str | None:
    """What is said of a file, or None if it is read; any other error fails."""
    try:
        look = read_header(path)
        array = pixels(path, look._replace(width=8, height=8))
    except BadData as error:
        return str(error)
    assert array.shape == (3 if look.colour else 1, 8, 8)
    return None


@pytest.mark.parametrize("kind", SOUND)
@settings(
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_damage_is_one_line_or_an_image(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str, data: st.DataObject
) -> None:
    content = bytearray(SOUND[kind])
    places = st.integers(0, min(len(content) - 1, 600)) | st.integers(
        0, len(content) - 1
    )
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(places)] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(content)))
    path = tmp_path / "x.png"  # whatever it is called: its content decides
    path.write_bytes(content[:cut])
    said = read(path)
    assert said is None or (said.startswith("cannot read") and "\n" not in said)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", SOUND)
def test_what_is_sound_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(SOUND[kind])
    assert read(path) is None
    # GIF, BMP and PPM have no room for a note that they are to be turned
    turned = kind not in ("gif", "bmp", "ppm")
    assert read_header(path)[:2] == ((24, 20) if turned else (20, 24))


def test_libtiff_writes_nothing_of_what_it_finds(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sound = SOUND["tiff-tiff_lzw"]
    path = tmp_path / "x.tif"
    path.write_bytes(sound[:8] + bytes(200) + sound[208:])
    with Image.open(path) as image, pytest.raises(OSError, match=r"decoder|-2"):
        image.load()
    assert "code not yet in table" in capfd.readouterr().err  # as it does otherwise
    assert "cannot read the image" in str(read(path))
    assert capfd.readouterr() == ("", "")


def test_pillow_logs_nothing_while_images_are_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    samples = struct.pack("<HHIH", 277, 3, 1, 3), struct.pack("<HHIH", 277, 3, 1, 65535)
    path = tmp_path / "x.tif"
    path.write_bytes(SOUND["tiff-raw"].replace(*samples))
    assert "of a kind that Pillow cannot read" in str(read(path))
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_silence_ends_and_changes_nothing() -> None:
    log, before = logging.getLogger("PIL"), list(warnings.filters)
    log.setLevel(logging.WARNING)
    try:
        with quiet(), quiet():
            assert not log.isEnabledFor(logging.CRITICAL)
        assert log.level == logging.WARNING
        assert warnings.filters == before
    finally:
        log.setLevel(logging.NOTSET)


# what is no image, whatever it is called; the first would start a program
OTHERS = {
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    "DDS": b"DDS " + struct.pack("<7I", 124, 0x1007, 16, 16, 0, 0, 0) + bytes(400),
    "PDF": b"%PDF-1.4\n",
    "text": b"no image",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_only_the_formats_of_images_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    begun: list[str] = []
    sys.addaudithook(
        lambda event, _: begun.append(event) if event == "subprocess.Popen" else None
    )
    path = tmp_path / "x.png"
    path.write_bytes(OTHERS[kind])
    assert f"({'an empty file' if kind == 'nothing' else 'no image'})" in str(
        read(path)
    )
    assert not begun


def _jpeg_with(*tags: tuple[int, int, int, bytes], turn: int) -> bytes:
    """A JPEG whose EXIF block holds the orientation and `tags` (number, type, ...)."""
    jpeg = io.BytesIO()
    Image.fromarray(NOISE).save(jpeg, "JPEG")
    entries = sorted([(0x112, 3, 1, bytes([turn, 0, 0, 0])), *tags])
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries))
    block += b"".join(struct.pack("<HHI4s", *entry) for entry in entries) + bytes(4)
    head = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    return jpeg.getvalue()[:2] + head + jpeg.getvalue()[2:]


ODD = [
    (number, kind, 1, value)
    for number in (0x100, 0x10F, 0x11A, 0x128, 0x131, 0x213, 0x8769, 0x8825, 0xA005)
    for kind in (1, 2, 5, 7, 10, 12, 99)
    for value in (b"\2\0\0\0", b"\xff\xff\xff\xff")
    # what points behind the end hides the entries that follow, and then it is as stored
    if number > 0x112 or value[0] == 2
]


@pytest.mark.parametrize("turn", [1, 6])
def test_odd_notes_beside_sound_pixels_do_not_matter(tmp_path: Path, turn: int) -> None:
    path, plain = tmp_path / "odd.jpg", tmp_path / "plain.jpg"
    Image.fromarray(NOISE).save(plain)
    with Image.open(plain) as image:
        shown = np.rot90(np.asarray(image), {1: 0, 6: -1}[turn])
    for tag in ODD:
        path.write_bytes(_jpeg_with(tag, turn=turn))
        look = read_header(path)
        assert look[:2] == (shown.shape[1], shown.shape[0]), tag
        np.testing.assert_array_equal(pixels(path, look), np.moveaxis(shown, 2, 0))


@pytest.mark.parametrize("value", [0, 9, 255])
def test_an_orientation_that_does_not_exist_is_none(tmp_path: Path, value: int) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(_jpeg_with(turn=value))
    assert read_header(path)[:2] == (20, 24)


def test_an_exif_block_of_nonsense_means_as_stored(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    for block in (
        b"",
        b"nonsense",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
    ):
        Image.fromarray(NOISE).save(path, exif=b"Exif\0\0" + block)
        assert read_header(path)[:2] == (20, 24)
        assert read(path) is None


def test_a_png_may_say_behind_its_pixels_how_it_is_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    early = io.BytesIO()
    Image.fromarray(NOISE).save(early, "PNG", exif=exif)
    content = early.getvalue()
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    late = content[:start] + content[end:-12] + content[start:end] + content[-12:]
    path = tmp_path / "late.png"
    path.write_bytes(late)
    look = read_header(path)
    assert look[:2] == (24, 20)
    shown = np.moveaxis(np.rot90(NOISE, -1), 2, 0)
    np.testing.assert_array_equal(pixels(path, look), shown)


def test_a_side_that_a_few_bytes_can_claim_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tall.tif"
    Image.new("1", (1, LONGEST + 1)).save(path, compression="group4")
    assert path.stat().st_size < 20_000
    with pytest.raises(BadData, match=r"\(1 x 65536 pixels, and 65535 .*\. Make it sm"):
        read_header(path)


def test_whole_numbers_of_32_bits_have_no_sign_unless_the_file_says_so(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.tif"
    Image.fromarray(np.full((4, 6), -2, np.int32)).save(path)
    assert (pixels(path, read_header(path)) == -2).all()
    signed = struct.pack("<HHIH", 339, 3, 1, 2), struct.pack("<HHIH", 339, 3, 1, 1)
    path.write_bytes(path.read_bytes().replace(*signed))
    assert (pixels(path, read_header(path)) == np.float32(2**32 - 2)).all()
