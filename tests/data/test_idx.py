"""IDX files: what is read, and what is refused by name."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from normlab.data.formats.idx import is_folder, parsed, read, read_folder
from normlab.errors import BadData

from .files import digits, idx_bytes, idx_folder


@given(array=arrays(np.uint8, array_shapes(min_dims=1, max_dims=4, max_side=5)))
def test_an_array_is_read_as_it_was_written(array: NDArray) -> None:
    assert np.array_equal(parsed(idx_bytes(array), where="x"), array)


@pytest.mark.parametrize(
    ("code", "dtype"),
    [(9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")],
)
def test_every_element_type_is_read_in_this_machines_order(
    code: int, dtype: str
) -> None:
    content = bytes([0, 0, code, 1]) + struct.pack(">I", 3)
    content += np.array([-1, 0, 2], dtype).tobytes()
    array = parsed(content, where="x")
    assert array.tolist() == [-1, 0, 2]
    assert array.dtype.isnative


@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_is_read_gzipped_or_not(tmp_path: Path, packed: bool) -> None:
    source = read_folder(idx_folder(tmp_path / "mine", packed=packed))
    assert source.name == "mine"
    assert np.array_equal(source.train.images, digits(30)[0])
    assert np.array_equal(source.test.labels, digits(9)[1])


def test_names_with_a_dot_are_understood(tmp_path: Path) -> None:
    idx_folder(tmp_path, packed=False)
    for path in tmp_path.iterdir():
        path.rename(tmp_path / path.name.replace("-idx", ".idx"))
    assert is_folder(tmp_path)
    assert len(read_folder(tmp_path).train.images) == 30


def test_gzip_is_known_by_its_content_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(gzip.compress(idx_bytes(np.arange(4, dtype=np.uint8))))
    assert read(path).tolist() == [0, 1, 2, 3]


def test_what_is_read_may_be_written_to(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(idx_bytes(np.arange(4, dtype=np.uint8)))
    assert read(path).flags.writeable


IMAGES = idx_bytes(digits(30)[0])
DAMAGED = {
    "short": (IMAGES[:-1], r"promises 30 x 4 x 4 numbers \(480 bytes\) .* 479 bytes"),
    "long": (IMAGES + b"\0", "holds 481 bytes"),
    "absurd": (bytes([0, 0, 8, 3]) + b"\xff" * 12, "promises 4294967295 x"),
    "headless": (IMAGES[:9], "its header of 16 bytes is not whole"),
    "three bytes": (b"\0\0\x08", "no IDX file: it starts with 00 00 08"),
    "empty": (b"", "is empty"),
    "no axes": (bytes([0, 0, 8, 0]) + b"\0", "is truncated"),
    "unknown type": (bytes([0, 0, 7, 1]) + IMAGES[4:], "starts with 00 00 07 01"),
    "text": (b"<html>not found</html>", "starts with 3c 68 74 6d"),
    "truncated gzip": (gzip.compress(IMAGES)[:-9], "gzip stream has no end"),
    "cut in the header": (gzip.compress(IMAGES)[:5], "gzip stream has no end"),
    "flipped byte": (
        gzip.compress(IMAGES)[:-5] + b"\xff" + gzip.compress(IMAGES)[-4:],
        r"is corrupt \(CRC check failed",
    ),
    "no deflate": (gzip.compress(IMAGES)[:10] + b"\xff" * 40, "is corrupt"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_named(tmp_path: Path, case: str) -> None:
    content, text = DAMAGED[case]
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(BadData, match=text) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(cut=st.integers(0, len(IMAGES) - 1))
def test_no_truncation_goes_unnoticed(cut: int) -> None:
    with pytest.raises(BadData):
        parsed(IMAGES[:cut], where="x")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (idx_folder(tmp_path) / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(BadData, match="holds no t10k-labels-idx1-ubyte or"):
        read_folder(tmp_path)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"cannot read .*: No such file"):
        read(tmp_path / "gone")
