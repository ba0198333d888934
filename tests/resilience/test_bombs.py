"""What small data claim is not allocated: one line, and less memory than they claim."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from normlab.data.load import load
from normlab.disk import room
from normlab.errors import BadData, NormlabError
from normlab.spec.data import Data
from tests.data.files import idx_bytes, idx_folder
from tests.resilience.apart import apart

MOST = 1 << 28
BIG = 5 << 26
"""More than `MOST`, and than any file may unpack to in any case."""
PIECE = bytes(1 << 24)
PACKED = gzip.compress(PIECE, 1)
"""The same zeros; any number of them, one behind the other, are a gzip file too."""

Make = Callable[[Path], Path]


def npy_header(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    stream = io.BytesIO()
    said = {"shape": shape, "fortran_order": False, "descr": descr}
    np.lib.format.write_array_header_1_0(stream, said)
    return stream.getvalue()


def zipped(path: Path, *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """An archive of 2 MB that unpacks to 336 MB."""
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
        archive.writestr("y_train.npy", npy_header((10,)) + bytes(range(10)))
        with archive.open("x_train.npy", "w", force_zip64=True) as member:
            member.write(npy_header((10, BIG // 10)))
            for start in range(0, BIG // 10 * 10, len(PIECE)):
                member.write(PIECE[: BIG // 10 * 10 - start])
    return path


def npz(home: Path) -> Path:
    return zipped(home / "data.npz")


def npz_of_a_false_header(home: Path) -> Path:
    with zipfile.ZipFile(home / "data.npz", "w") as archive:
        archive.writestr("x_train.npy", npy_header((1 << 20, 1 << 13)) + b"1")
        archive.writestr("y_train.npy", npy_header((10,)) + bytes(10))
    return home / "data.npz"


def gzipped_idx(home: Path) -> Path:
    idx_folder(home)
    head = struct.pack(">HBBIII", 0, 8, 3, BIG >> 20, 1 << 10, 1 << 10)
    content = gzip.compress(head) + PACKED * (BIG // len(PIECE))
    (home / "train-images-idx3-ubyte.gz").write_bytes(content)
    return home


def gzipped_idx_longer_than_promised(home: Path) -> Path:
    idx_folder(home)
    head = gzip.compress(idx_bytes(np.zeros((30, 4, 4), np.uint8)))
    content = head + PACKED * (BIG // len(PIECE))
    (home / "train-images-idx3-ubyte.gz").write_bytes(content)
    return home


def idx_of(*shape: int) -> Make:
    def make(home: Path) -> Path:
        idx_folder(home, packed=False)
        head = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
        (home / "train-images-idx3-ubyte").write_bytes(head + b"1")
        return home

    make.__name__ = f"idx of {len(shape)} axes"
    return make


def hollow(name: str) -> Make:
    def make(home: Path) -> Path:
        with (home / name).open("wb") as file:
            file.truncate(BIG // 3073 * 3073)
        (home / "test_batch.bin").write_bytes(bytes(3073))
        return home if name.endswith(".bin") else home / name

    make.__name__ = f"hollow {name}"
    return make


def mat(home: Path) -> Path:
    pack = zlib.compressobj(1)
    size = BIG // 8
    body = struct.pack("<IIIIII", 6, 8, 9, 0, 5, 8) + struct.pack("<ii", size, 8)
    body += struct.pack("<II", 1 | 1 << 16, ord("X")) + struct.pack("<II", 2, BIG)
    packed = pack.compress(struct.pack("<II", 14, len(body) + BIG) + body)
    packed += b"".join(pack.compress(PIECE) for _ in range(BIG // len(PIECE)))
    packed += pack.flush()
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x100, b"IM")
    path = home / "data.mat"
    path.write_bytes(head + struct.pack("<II", 15, len(packed)) + packed)
    return path


def sparse_mat(home: Path) -> Path:
    from scipy.io import savemat
    from scipy.sparse import csc_array

    shape = (1 << 16, 1 << 14)
    images = csc_array((np.ones(1), ([0], [0])), shape=shape)
    savemat(home / "data.mat", {"X": images, "y": np.arange(shape[0]) % 2})
    return home / "data.mat"


def saved_view(home: Path) -> Path:
    import torch

    images = torch.zeros(1).expand(1 << 16, 1 << 14)
    torch.save((images, torch.arange(1 << 16) % 2), home / "data.pt")
    return home / "data.pt"


def saved_and_packed(home: Path) -> Path:
    import torch

    content = io.BytesIO()
    torch.save((torch.zeros(100, BIG // 400), torch.arange(100) % 2), content)
    path = home / "data.pt"
    with (
        zipfile.ZipFile(content) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return path


def long_label(home: Path) -> Path:
    rows = [f"{i},{i % 7},{'ab'[i % 2]}" for i in range(20_000)]
    rows[5] = f"5,5,{'x' * 100_000}"
    path = home / "data.csv"
    path.write_text("\n".join(("u,v,label", *rows)))
    return path


def parquet(home: Path) -> Path:
    table = pyarrow.table(
        dict.fromkeys(("image", "label"), np.zeros(1 << 24, np.uint8))
    )
    pyarrow.parquet.write_table(table, home / "data.parquet", compression="zstd")
    return home / "data.parquet"


def parquet_of_one_picture(home: Path) -> Path:
    image = {"bytes": palette(5_000), "path": None}
    table = pyarrow.table({"image": [image] * 400, "label": [0, 1] * 200})
    pyarrow.parquet.write_table(table, home / "data.parquet", compression="zstd")
    return home / "data.parquet"


def tar(home: Path) -> Path:
    member = tarfile.TarInfo("0.png")
    member.size = BIG
    content = gzip.compress(member.tobuf()) + PACKED * (BIG // len(PIECE))
    (home / "data.tar").write_bytes(content + gzip.compress(bytes(1024)))
    return home / "data.tar"


def palette(side: int) -> bytes:
    """A PNG of a few KB, of one colour that is transparent."""
    content = io.BytesIO()
    image = Image.new("P", (side, side))
    image.putpalette([255, 0, 0])
    image.save(content, "PNG", transparency=0)
    return content.getvalue()


def pictures(home: Path, content: bytes, count: int) -> Path:
    for number in range(count):
        place = home / "images" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(content)
    return home / "images"


def huge_pictures(home: Path) -> Path:
    return pictures(home, palette(13_000), 4)


def many_pictures(home: Path) -> Path:
    return pictures(home, palette(5_000), 400)


BOMBS = [
    *(npz, npz_of_a_false_header, gzipped_idx, gzipped_idx_longer_than_promised),
    *(idx_of(*[1] * 70), idx_of(*[1] * 255), idx_of(0, 2**32 - 1, 2**32 - 1)),
    *(idx_of(2**32 - 1, 2**32 - 1, 2**32 - 1), hollow("data_batch_1.bin")),
    *(hollow("data.npz"), hollow("data.mat"), hollow("data.pt"), mat, sparse_mat),
    *(saved_view, saved_and_packed, long_label, parquet, parquet_of_one_picture),
    *(tar, huge_pictures, many_pictures),
]


def said(path: Path, spec: Data) -> str:
    """How reading ends: the line of a refusal, or nothing."""
    try:
        load(spec.model_copy(update={"source": str(path)}))
    except NormlabError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("make", BOMBS, ids=lambda make: make.__name__)
def test_what_a_small_file_claims_is_refused(tmp_path: Path, make: Make) -> None:
    home = tmp_path / "home"
    home.mkdir()
    path = make(home)
    ended = apart(lambda: said(path, Data()), seconds=100)
    assert not ended.trouble
    assert ended.value
    assert "\n" not in ended.value
    assert str(path) in ended.value or "--image-size 64" in ended.value
    assert ended.grown < MOST


@pytest.mark.parametrize("mode", ["P", "RGB", "I;16"])
def test_large_images_are_read_small_one_by_one(tmp_path: Path, mode: str) -> None:
    content = io.BytesIO(palette(5_500)) if mode == "P" else io.BytesIO()
    if mode != "P":
        Image.new(mode, (5_500, 5_500)).save(content, "PNG", compress_level=1)
    path = pictures(tmp_path, content.getvalue(), 4)
    ended = apart(lambda: said(path, Data(image_size=32)), seconds=100)
    assert not ended.trouble
    assert not ended.value
    assert ended.grown < MOST


def test_class_folders_may_be_nested_more_deeply_than_a_path_is_long(
    tmp_path: Path,
) -> None:
    path = pictures(tmp_path, palette(8), 12)
    _nest(path / "a")
    assert apart(lambda: said(path, Data()), seconds=100)[:2] == ("", "")
    _unnest(path / "a")


def _nest(folder: Path) -> None:
    with contextlib.chdir(folder):
        for _ in range(1_500):
            Path("d").mkdir()
            os.chdir("d")
        Path("x.png").write_bytes(b"never read")


def _unnest(folder: Path) -> None:
    """Take it away; pytest's own removal cannot go as deep."""
    while (folder / "d").exists():
        with contextlib.suppress(FileNotFoundError):
            (folder / "d/x.png").unlink()
        if (folder / "d/d").exists():
            (folder / "d/d").rename(folder / "next")
        (folder / "d").rmdir()
        if (folder / "next").exists():
            (folder / "next").rename(folder / "d")


def test_what_packs_well_and_is_small_is_read(tmp_path: Path) -> None:
    images = np.zeros((200, 64, 64), np.uint8)
    images[::2] = 255
    labels = np.arange(200) % 2
    path = tmp_path / "data.npz"
    np.savez_compressed(path, x_train=images, y_train=labels)
    assert images.nbytes > 300 * path.stat().st_size
    assert len(load(Data(source=str(path))).train) == 160


def test_more_than_is_free_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free", lambda: 5 << 20)
    room.refuse_more_than_fits(5 << 20, "x", "Give less")
    with pytest.raises(BadData, match=r"x would need 6\.0 MB of memory, and 5\.0 MB"):
        room.refuse_more_than_fits(6 << 20, "x", "Give less")


def test_a_limit_of_the_process_counts_as_memory() -> None:
    assert 0 < apart(room.free, seconds=20).value <= 8 << 30
