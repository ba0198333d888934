"""The .npz archives that are read and those that are refused."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normlab.data.assemble import assemble
from normlab.data.formats.npz import read_npz
from normlab.errors import BadData
from normlab.spec.data import Data

from .files import digits


def archive(path: Path, **arrays) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def whole() -> dict[str, np.ndarray]:
    (x, y), (xt, yt) = digits(30), digits(9)
    return {"x_train": x, "y_train": y, "x_test": xt, "y_test": yt}


def test_the_four_arrays_are_read(tmp_path: Path) -> None:
    data = assemble(read_npz(archive(tmp_path / "mine.npz", **whole())), Data())
    assert (data.name, len(data.train), len(data.test)) == ("mine", 30, 9)
    assert np.array_equal(data.train.images[:, 0], digits(30)[0])


def test_without_a_test_part_a_fifth_is_split_off(tmp_path: Path) -> None:
    (x, y) = digits(30)
    path = archive(tmp_path / "mine.npz", x_train=x, y_train=y)
    data = assemble(read_npz(path), Data())
    assert (len(data.train), len(data.test)) == (24, 6)


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
def test_a_missing_array_is_named(tmp_path: Path, name: str) -> None:
    arrays = whole()
    del arrays[name]
    path = archive(tmp_path / "mine.npz", **arrays)
    with pytest.raises(BadData, match=rf"mine\.npz has no {name}; it holds \w_t"):
        read_npz(path)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    arrays = whole() | {"y_train": np.array(["a", None], object)}
    path = archive(tmp_path / "mine.npz", **arrays)
    with pytest.raises(BadData, match=r"it holds Python objects\. Save plain arrays"):
        read_npz(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive", b"\x93NUMPY"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.npz"
    path.write_bytes(content)
    with pytest.raises(BadData, match=r"cannot read .*it is damaged or no \.npz"):
        read_npz(path)


@pytest.mark.parametrize("at", [0.3, 0.6, 0.95])
def test_a_truncated_archive_is_refused(tmp_path: Path, at: float) -> None:
    path = archive(tmp_path / "mine.npz", **whole())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * at)])
    with pytest.raises(BadData, match="it is damaged or no"):
        read_npz(path)


def test_a_changed_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "mine.npz", **whole())
    content = bytearray(path.read_bytes())
    content[60:80] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(BadData, match="it is damaged or no"):
        read_npz(path)


def test_a_single_array_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    with path.open("wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(BadData, match="it is damaged or no"):
        read_npz(path)


@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_whatever_is_damaged_is_read_or_refused_in_one_line(
    place: int, byte: int
) -> None:
    file = io.BytesIO()
    np.savez(file, x_train=np.arange(24).reshape(6, 4), y_train=[0, 1] * 3)
    content = bytearray(file.getvalue())
    # most of it: headers, names and the directory at the end
    content[place % len(content)] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.npz"
        path.write_bytes(content)
        told = f"{path} was read"
        try:
            read_npz(path)
        except BadData as refused:
            told = str(refused)
    assert "d.npz" in told and "\n" not in told


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"(6, 4)", b"(9**9)"),  # no literal
        (b"'shape': (6, 4)", b"'shape': (6<<20,"),
        (
            b"PK\x01\x02-\x03-\0\0\0\0\0",
            b"PK\x01\x02-\x03-\0\0\0c\0",
        ),  # packed in an unknown way
    ],
)
def test_a_header_that_cannot_be_is_refused(
    tmp_path: Path, before: bytes, after: bytes
) -> None:
    path = tmp_path / "d.npz"
    np.savez(path, x_train=np.arange(24).reshape(6, 4), y_train=[0, 1] * 3)
    content = path.read_bytes()
    assert before in content
    path.write_bytes(content.replace(before, after))
    with pytest.raises(BadData, match=r"d\.npz: it is damaged or no \.npz archive"):
        read_npz(path)


def test_a_header_that_promises_more_than_memory_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)}
    )
    path = tmp_path / "d.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", header.getvalue() + bytes(64))
    with pytest.raises(BadData, match=r"d\.npz: it is damaged or no \.npz archive"):
        read_npz(path)


def test_of_two_sets_of_names_the_own_one_is_taken_and_the_other_named(
    tmp_path: Path,
) -> None:
    images, labels = np.arange(640, dtype=np.uint8).reshape(40, 4, 4), np.arange(40) % 2
    others = {"train_images": 255 - images, "train_labels": 1 - labels}
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels, **others)
    source = read_npz(tmp_path / "a.npz")
    assert np.array_equal(source.train.images, images)
    assert np.array_equal(source.train.labels, labels)
    assert any("train_images, train_labels passed over" in n for n in source.notes)
