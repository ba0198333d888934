"""Folders of images: how classes, parts, sizes and colours are found."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from normlab.data.assemble import assemble
from normlab.data.dataset import Dataset
from normlab.data.images.folder import read_images
from normlab.data.load import load
from normlab.errors import BadData, BadSetting
from normlab.spec.data import Data

from .files import class_folders, picture


def loaded(folder: Path, **settings) -> Dataset:
    spec = Data(source=str(folder), **settings)
    return assemble(read_images(folder, spec), spec)


def test_a_sub_folder_is_a_class_and_a_fifth_is_the_test(tmp_path: Path) -> None:
    data = loaded(class_folders(tmp_path / "pets", each=10))
    assert (data.name, data.classes) == ("pets", ("cat", "dog"))
    assert np.bincount(data.train.labels).tolist() == [8, 8]
    assert np.bincount(data.test.labels).tolist() == [2, 2]
    assert data.shape == (3, 4, 6)


def test_labels_belong_to_their_images(tmp_path: Path) -> None:
    for number in range(5):
        picture(tmp_path / "dark" / f"{number}.png", mode="L", colour=number)
        picture(tmp_path / "light" / f"{number}.png", mode="L", colour=250 + number)
    data = loaded(tmp_path)
    for part in (data.train, data.test):
        assert ((part.images[:, 0, 0, 0] >= 250) == (part.labels == 1)).all()


@pytest.mark.parametrize(
    ("train", "test"), [("train", "test"), ("Training", "val"), ("train", "valid")]
)
def test_train_and_test_folders_are_kept_apart(
    tmp_path: Path, train: str, test: str
) -> None:
    class_folders(tmp_path / train, each=3)
    class_folders(tmp_path / test, each=2)
    data = loaded(tmp_path)
    assert (len(data.train), len(data.test), data.validation) == (6, 4, None)


def test_a_third_folder_is_the_validation_part(tmp_path: Path) -> None:
    for name, each in (("train", 3), ("val", 1), ("test", 2)):
        class_folders(tmp_path / name, each=each)
    data = loaded(tmp_path)
    assert data.validation is not None
    assert (len(data.train), len(data.validation), len(data.test)) == (6, 2, 4)
    with pytest.raises(BadSetting, match=r"brings 2 validation images of its own"):
        loaded(tmp_path, validation=2)


def test_images_lie_anywhere_below_their_class(tmp_path: Path) -> None:
    class_folders(tmp_path)
    picture(tmp_path / "dog" / "more" / "9.PNG")
    assert len(loaded(tmp_path).train) + len(loaded(tmp_path).test) == 11


def test_other_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "dog" / "notes.txt").write_text("a dog")
    (tmp_path / "dog" / "._1.png").write_bytes(b"")
    (tmp_path / ".cache").mkdir()
    assert loaded(tmp_path).classes == ("cat", "dog")


HIDDEN = (
    *(".x", ".ipynb_checkpoints", "__MACOSX", "__x", "@eaDir", "#recycle"),
    *("$RECYCLE.BIN", "lost+found", "System Volume Information"),
)


@pytest.mark.parametrize("place", ["", "cat", "cat/deeper", "dog"])
def test_hidden_and_service_folders_are_passed_over_everywhere(
    tmp_path: Path, place: str
) -> None:
    class_folders(tmp_path)
    for name in HIDDEN:
        picture(tmp_path / place / name / "0.png" / "thumbnail.png", colour=0)
        (tmp_path / place / name / "broken.png").write_bytes(b"")
    source = read_images(tmp_path, Data())
    assert source.classes == ("cat", "dog")
    assert len(source.train.images) == 10
    assert any("9 hidden or service folders: " in note for note in source.notes)


def test_what_is_passed_over_is_counted(tmp_path: Path) -> None:
    class_folders(tmp_path)
    for name in ("a.txt", "b.txt", "c.heic", ".d.png", "e"):
        (tmp_path / "cat" / name).write_bytes(b"")
    (tmp_path / "read.me").touch()
    (tmp_path / "dog" / "f.png").symlink_to("nowhere")
    (tmp_path / "dog" / "more").symlink_to(tmp_path / "cat")
    source = read_images(tmp_path, Data())
    assert len(source.train.images) == 10
    files, links = source.notes[:2]
    assert files.startswith("passed over 7 files (2 .txt, ")
    for said in ("1 .heic", "1 hidden", "1 without a suffix", "1 .me", "1 broken link"):
        assert said in files
    assert links == "passed over 1 linked folder: dog/more"


def test_a_folder_that_cannot_be_looked_into_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_folders(tmp_path)
    locked = tmp_path / "cat" / "locked"
    locked.mkdir()
    refuse_to_open(locked, monkeypatch)
    assert (
        "could not look into 1 folder: cat/locked"
        in read_images(tmp_path, Data()).notes
    )


def test_a_class_that_cannot_be_looked_into_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_folders(tmp_path)
    refuse_to_open(tmp_path / "dog", monkeypatch)
    with pytest.raises(BadData, match=r"cannot read .*/dog: Permission denied\."):
        load(Data(source=str(tmp_path)))


def refuse_to_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything."""
    scan = os.scandir

    def refusing(path):
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)


def test_links_to_files_are_followed(tmp_path: Path) -> None:
    class_folders(tmp_path / "real")
    for path in (tmp_path / "real").rglob("*.png"):
        link = tmp_path / "links" / path.parent.name / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "cat").symlink_to(tmp_path / "real" / "cat")
    (tmp_path / "top" / "dog").symlink_to(tmp_path / "links" / "dog")
    wanted = read_images(tmp_path / "real", Data()).train.images
    for name in ("links", "top"):
        found = read_images(tmp_path / name, Data()).train.images
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "JPEG", "pnm", "apng", "mpo"])
def test_what_pillow_reads_is_read(tmp_path: Path, suffix: str) -> None:
    class_folders(tmp_path)
    kind = {"pnm": "PPM", "apng": "PNG"}.get(suffix, "JPEG")
    Image.new("RGB", (6, 4)).save(tmp_path / "cat" / f"x.{suffix}", kind)
    assert len(read_images(tmp_path, Data()).train.images) == 11


def test_image_size_makes_them_equal_squares(tmp_path: Path) -> None:
    class_folders(tmp_path, size=(9, 5))
    picture(tmp_path / "dog" / "big.jpg", size=(300, 200))
    assert loaded(tmp_path, image_size=8).shape == (3, 8, 8)


@pytest.mark.parametrize(("colour", "channels"), [(None, 3), (True, 3), (False, 1)])
def test_one_coloured_image_makes_all_coloured_unless_said_otherwise(
    tmp_path: Path, colour: bool | None, channels: int
) -> None:
    class_folders(tmp_path, mode="L", colour=128)
    picture(tmp_path / "dog" / "red.png")
    assert loaded(tmp_path, color=colour).shape == (channels, 4, 6)


def test_grey_images_stay_grey(tmp_path: Path) -> None:
    data = loaded(class_folders(tmp_path, mode="L", colour=128))
    assert data.shape == (1, 4, 6)
    assert data.mean == (128 / 255,)


def test_different_sizes_need_a_size(tmp_path: Path) -> None:
    class_folders(tmp_path)
    picture(tmp_path / "dog" / "9.png", size=(7, 4))
    with pytest.raises(BadData, match=r"9\.png is 7 x 4 pixels, .*: --image-size 64"):
        loaded(tmp_path)


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "dog" / "9.png").write_bytes(b"no image")
    with pytest.raises(BadData, match=r"cannot read the image .*9\.png \(no image\)"):
        loaded(tmp_path)


def test_a_truncated_image_is_named(tmp_path: Path) -> None:
    class_folders(tmp_path)
    path = picture(tmp_path / "dog" / "9.png", size=(60, 40))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(BadData, match=r"cannot read the image .*9\.png .*Repair or"):
        loaded(tmp_path, image_size=4)


def test_all_that_cannot_be_read_is_named_at_once_or_left_out(tmp_path: Path) -> None:
    class_folders(tmp_path, size=(60, 40))
    for number in range(3):
        (tmp_path / "cat" / f"{number}.png").write_bytes(b"")
    cut = tmp_path / "dog" / "4.png"
    cut.write_bytes(cut.read_bytes()[:-30])  # seen when it is decoded, not before
    with pytest.raises(
        BadData,
        match=r"^4 of 10 images cannot be read: .*cat/0\.png \(an empty file\), .*"
        r" and 1 more\. Repair, .* out: --set data\.skip_unreadable=true\.$",
    ):
        loaded(tmp_path)
    source = read_images(tmp_path, Data(skip_unreadable=True))
    assert source.train.labels.tolist() == [0] * 2 + [1] * 4
    assert len(source.train.images) == 6
    left = "left out 4 images that cannot be read: 0.png, 1.png, 2.png and 1 more"
    assert left in source.notes


def test_a_class_of_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path)
    for path in (tmp_path / "cat").iterdir():
        path.write_bytes(b"")
    with pytest.raises(BadData, match="has a class of which no image can be read"):
        loaded(tmp_path, skip_unreadable=True)


def test_greys_of_different_depths_get_one_scale(tmp_path: Path) -> None:
    """White is white, of 8 and of 16 bits; numbers of 32 bits have no white."""
    deep = np.array([[0, 291, 694, 65535]], np.uint16)
    for number in range(2):
        for name, array in (("a", deep), ("b", np.uint8([[0, 1, 254, 255]]))):
            path = tmp_path / name / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(array).save(path)
    source = read_images(tmp_path, Data())
    assert source.train.images.dtype == np.float32
    assert source.train.images[0, 0].tolist() == deep.tolist()
    assert source.train.images[2, 0].tolist() == [[0, 257, 254 * 257, 65535]]
    assert (
        "greys of 16 bits kept, 8-bit ones times 257 (255 and 65,535 are both white)"
        in (source.notes)
    )
    Image.fromarray(np.int32([[-5, 0, 7, 70000]])).save(tmp_path / "a" / "2.tif")
    source = read_images(tmp_path, Data())
    assert source.train.images[:, 0, 0, -1].tolist() == [65535, 65535, 70000, 255, 255]
    assert "greys kept as the numbers that are stored, up to 32 bits" in source.notes


def test_deep_greys_beside_colours_keep_their_depth(tmp_path: Path) -> None:
    class_folders(tmp_path, size=(2, 1))
    deep = np.array([[291, 694]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "cat" / "deep.png")
    images = read_images(tmp_path, Data()).train.images
    assert images[5].tolist() == [deep.tolist()] * 3
    assert images[0, :, 0, 0].tolist() == [65535, 0, 0]


def test_colours_of_16_bits_are_said_to_be_cut(tmp_path: Path) -> None:
    class_folders(tmp_path, size=(2, 1))
    (tmp_path / "cat" / "deep.ppm").write_bytes(
        b"P6 2 1 65535\n" + np.array([0x1234, 0xFFFF] * 3, ">u2").tobytes()
    )
    source = read_images(tmp_path, Data())
    assert source.train.images.dtype == np.uint8
    assert "of 1 image with 16-bit colours the upper 8 bits" in source.notes


def test_large_images_are_averaged_in_strips_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against Pillow's own, at once: made opaque, then averaged and stretched."""
    noise = np.random.default_rng(0).integers(0, 256, (203, 311, 4), np.uint8)
    image = Image.fromarray(noise)
    white = Image.new("RGBA", image.size, "white")
    whole = Image.alpha_composite(white, image).convert("RGB")
    monkeypatch.setattr("normlab.data.images.picture._STRIP", 1000)
    monkeypatch.setattr("normlab.data.images.album._LIGHT", 1000)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "0.png")
    for side in (3, 8, 33, 100, 250):
        found = read_images(tmp_path, Data(image_size=side)).train.images
        wanted = whole.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=3.0)
        for one in found:
            np.testing.assert_array_equal(np.moveaxis(one, 0, 2), np.asarray(wanted))


def test_a_class_without_images_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "hen").mkdir()
    with pytest.raises(BadData, match=r"hen holds no image\. Add some, or remove"):
        loaded(tmp_path)


def test_one_class_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "dog" / "1.png")
    with pytest.raises(BadData, match=r"has 1 class folder \(dog\); there is nothing"):
        loaded(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="holds no sub-folders and no IDX files"):
        loaded(tmp_path)


def test_a_class_of_one_part_only_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "train")
    class_folders(tmp_path / "test")
    picture(tmp_path / "test" / "hen" / "1.png")
    with pytest.raises(BadData, match="differ in the class 'hen'"):
        loaded(tmp_path)


def test_a_training_folder_alone_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "train")
    with pytest.raises(BadData, match=r"has train/ but no test/\. Add it, or give"):
        loaded(tmp_path)


def test_a_class_with_one_image_is_named(tmp_path: Path) -> None:
    class_folders(tmp_path)
    picture(tmp_path / "hen" / "1.png")
    with pytest.raises(BadData, match="class hen has one image"):
        loaded(tmp_path)
